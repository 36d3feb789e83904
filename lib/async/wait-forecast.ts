/**
 * When it is worth coming back: what waits, at the pace at which calls have lately been done.
 *
 * F1. The pace is that of the newest ends since calls began to wait, the time since the last of them included: it
 *     falls while nothing ends, and what was done at leisure says nothing.
 * F2. Never below a second nor above half a minute: a caller that comes back too early costs little, and a forecast
 *     of minutes from a pace of seconds is worth nothing.
 */

const MOST_MARKS = 32;
const LEAST_MS = 1000;
const MOST_MS = 30_000;

export class WaitForecast {
  readonly #now: () => number;
  /** When the wait began, then when calls ended; a ring whose oldest is at `#oldest`. */
  readonly #marks: number[] = [];
  #oldest = 0;

  /** @param now a clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The first call waits. */
  begin(): void {
    this.#marks.length = 0;
    this.#marks.push(this.#now());
    this.#oldest = 0;
  }

  /** A call ended, and left its place to another. */
  ended(): void {
    const now = this.#now();
    if (this.#marks.length < MOST_MARKS) this.#marks.push(now);
    else {
      this.#marks[this.#oldest] = now;
      this.#oldest = (this.#oldest + 1) % MOST_MARKS;
    }
  }

  /** Milliseconds until `calls` more have ended, as far as can be told. */
  msUntil(calls: number): number {
    const now = this.#now();
    const paceMs = (now - (this.#marks[this.#oldest] ?? now)) / Math.max(1, this.#marks.length - 1);
    return Math.round(Math.min(MOST_MS, Math.max(LEAST_MS, calls * paceMs)));
  }
}
