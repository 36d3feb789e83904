/**
 * Keeps children that end before they are of any use from being started one after the other.
 *
 * S1. The wait doubles with every such end, from a quarter of a second to ten.
 * S2. The first that runs a call, or lives for a while, ends it.
 * S3. That some have ended may be chance, up to a point. That one could not even be started is none.
 */
const FIRST_MS = 250;
const LONGEST_MS = 10_000;
/** After so many it is no accident. */
const MANY = 3;

export class StartBackoff {
  #failures = 0;
  #until = 0;
  #trouble: string | null = null;

  get mayStart(): boolean {
    return performance.now() >= this.#until;
  }

  /** Why calls need not wait for a child; null where one is likely to start. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** One has ended before it was of any use. */
  failed(reason: string): void {
    this.#wait();
    this.#trouble =
      this.#failures < MANY ? null : `the processes that run this end as soon as they start (${reason})`;
  }

  /** The system would not start one. */
  refused(reason: string): void {
    this.#wait();
    this.#trouble = `no process can be started to run this (${reason})`;
  }

  #wait(): void {
    this.#failures++;
    this.#until = performance.now() + Math.min(LONGEST_MS, FIRST_MS * 2 ** (this.#failures - 1));
  }

  succeeded(): void {
    this.#failures = 0;
    this.#until = 0;
    this.#trouble = null;
  }
}
