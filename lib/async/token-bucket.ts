/**
 * Lets `burst` things through at once, and `perSecond` steadily after that.
 *
 * B1. Works on what it took when it was loaded: on a thread, tools may replace the clock and the built-ins.
 */
const { min } = Math;
const now: () => number = performance.now.bind(performance);

export class TokenBucket {
  readonly #burst: number;
  readonly #perMs: number;
  #tokens: number;
  #refilledAt = 0;

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perMs = perSecond / 1000;
    this.#tokens = burst;
  }

  /** @returns whether one more may go now; it counts then. */
  take(at = now()): boolean {
    this.#tokens = min(this.#burst, this.#tokens + (at - this.#refilledAt) * this.#perMs);
    this.#refilledAt = at;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Counts one that went without asking; the next ones wait for it. */
  owe(): void {
    this.#tokens -= 1;
  }
}
