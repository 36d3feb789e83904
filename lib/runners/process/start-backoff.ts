/**
 * Keeps children that end before they are of any use from being started one after the other.
 *
 * S1. The wait doubles with every such end, from a quarter of a second to ten.
 * S2. The first that runs a call, or lives for a while, ends it.
 */
const FIRST_MS = 250;
const LONGEST_MS = 10_000;
/** After so many it is no accident. */
const MANY = 3;

export class StartBackoff {
  #failures = 0;
  #until = 0;
  #reason = '';

  get mayStart(): boolean {
    return performance.now() >= this.#until;
  }

  /** Why calls need not wait for a child; null where one is likely to start. */
  get trouble(): string | null {
    return this.#failures < MANY ? null : this.#reason;
  }

  failed(reason: string): void {
    this.#failures++;
    this.#reason = reason;
    this.#until = performance.now() + Math.min(LONGEST_MS, FIRST_MS * 2 ** (this.#failures - 1));
  }

  succeeded(): void {
    this.#failures = 0;
    this.#until = 0;
  }
}
