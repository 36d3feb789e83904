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
    this.#refill(at);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #refill(at: number): void {
    this.#tokens = min(this.#burst, this.#tokens + (at - this.#refilledAt) * this.#perMs);
    this.#refilledAt = at;
  }

  /** Milliseconds until one more may go; 0: it may now. */
  msUntilNext(at = now()): number {
    this.#refill(at);
    return this.#tokens >= 1 ? 0 : (1 - this.#tokens) / this.#perMs;
  }

  /** Whether it is as if it had never been asked. */
  isFull(at = now()): boolean {
    this.#refill(at);
    return this.#tokens === this.#burst;
  }

  /** Counts one that went without asking; the next ones wait for it. */
  owe(): void {
    this.#tokens -= 1;
  }
}
