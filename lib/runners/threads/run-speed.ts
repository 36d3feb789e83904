/**
 * How long the calls of one tool take of late, so that those of a quick one are kept on few threads: a thread that has
 * just ended a call takes the next at a fraction of what it costs to wake another, and more threads than processors only
 * take turns.
 *
 * S1. A tool of which nothing is known is not quick, nor is one after a long call until some thirty short ones.
 * S2. One call that took a while may have had no processor for it; a tool that is so slow is at the next one too.
 */
const QUICK_MS = 1;
/** Processors are not kept from a thread for longer, but by accident. */
const LONG_MS = 50;
/** What a call counts for that was shorter than that, at most. */
const WHILE_MS = 4;
/** What the newest call counts for. */
const WEIGHT = 1 / 8;

export class RunSpeed {
  #averageMs: number | null = null;

  /** A call has run so long, in milliseconds. */
  ran(ms: number): void {
    const counted = ms < LONG_MS ? Math.min(ms, WHILE_MS) : ms;
    this.#averageMs ??= counted;
    this.#averageMs += (counted - this.#averageMs) * WEIGHT;
  }

  get isQuick(): boolean {
    return this.#averageMs !== null && this.#averageMs < QUICK_MS;
  }

  /** What the next call may take, in milliseconds; 0 where nothing is known. */
  get expectedMs(): number {
    return this.#averageMs ?? 0;
  }
}
