/**
 * How soon a gateway that died is started again.
 *
 * B1. Five restarts within ten seconds are immediate: a crash now and then costs its callers no more than the start.
 * B2. What dies more often waits 0.1 s, then twice as long each time, 10 s at most, until a gateway has lived for ten
 *     seconds.
 * B3. It never gives up: what broke the gateway (a full disk, a module half written) may pass, and its callers wait in
 *     the backlog rather than being refused.
 */

const FREE_RESTARTS = 5;
const WINDOW_MS = 10_000;
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 10_000;

export class RestartBudget {
  readonly #now: () => number;
  /** When those within the window were. */
  #restarts: number[] = [];
  /** What the next one waits; 0 while restarts are immediate. */
  #waitMs = 0;

  /** @param now milliseconds of a clock that never goes back. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Counts a restart.
   * @param livedMs how long the gateway that died had served.
   * @returns how many milliseconds it has to wait.
   */
  restart(livedMs: number): number {
    const now = this.#now();
    this.#restarts = this.#restarts.filter((at) => now - at < WINDOW_MS);
    this.#restarts.push(now);
    if (livedMs >= WINDOW_MS) this.#waitMs = 0;
    if (this.#waitMs === 0 && this.#restarts.length <= FREE_RESTARTS) return 0;
    this.#waitMs = this.#waitMs === 0 ? FIRST_WAIT_MS : Math.min(2 * this.#waitMs, LONGEST_WAIT_MS);
    return this.#waitMs;
  }
}
