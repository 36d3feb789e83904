/**
 * How long the calls of one tool take of late, so that those of a quick one are kept on few threads: a thread that has
 * just ended a call takes the next at a fraction of what it costs to wake another, and more threads than processors only
 * take turns.
 *
 * S1. A tool of which nothing is known is not quick, nor is one after a long call until some thirty short ones.
 */
const QUICK_MS = 1;
/** What the newest call counts for. */
const WEIGHT = 1 / 8;

export class RunSpeed {
  #averageMs: number | null = null;

  /** A call has run so long, in milliseconds. */
  ran(ms: number): void {
    this.#averageMs = this.#averageMs === null ? ms : this.#averageMs + (ms - this.#averageMs) * WEIGHT;
  }

  get isQuick(): boolean {
    return this.#averageMs !== null && this.#averageMs < QUICK_MS;
  }

  /** What the next call may take, in milliseconds; 0 where nothing is known. */
  get expectedMs(): number {
    return this.#averageMs ?? 0;
  }
}
