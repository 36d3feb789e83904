/**
 * Progress notifications of one call: its own progress, its chunks and the heartbeat in one sequence.
 *
 * P1. Every value is greater than the one before. A tool's own value is kept as it is wherever that is possible;
 *     chunks and heartbeats take the smallest step above the last value.
 * P2. `total` is the tool's own, never invented.
 */
import { META_PREFIX } from '../era.ts';

/** 2^-20: exact in binary, and small enough that a million chunks stay below one unit of a tool's progress. */
const STEP = 2 ** -20;

export class ProgressSequence {
  readonly #head: string;
  #last = Number.NEGATIVE_INFINITY;
  #total: number | null = null;

  /** @param token the request's progress token, a string or a number. */
  constructor(token: string | number) {
    this.#head = `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${JSON.stringify(token)}`;
  }

  /** The tool's own report. */
  report(progress: number, total: number | null, message: string): string {
    this.#total = total;
    const value = progress > this.#last ? progress : this.#above();
    this.#last = value;
    return `${this.#text(value)}${message === '' ? '' : `,"message":${JSON.stringify(message)}`}}}`;
  }

  /** Consecutive chunks, `items` as JSON text. @returns what writes them, as often as it is asked. */
  chunks(index: number, items: readonly string[]): () => string {
    this.#last = this.#above();
    const head = this.#text(this.#last);
    return () => `${head},"_meta":{"${META_PREFIX}chunk":{"index":${index},"items":[${items.join(',')}]}}}}`;
  }

  /** A sign of life of a silent tool. */
  heartbeat(): string {
    this.#last = this.#above();
    return `${this.#text(this.#last)}}}`;
  }

  #above(): number {
    if (this.#last === Number.NEGATIVE_INFINITY) return 0;
    const next = this.#last + Math.max(STEP, Math.abs(this.#last) * 2 ** -40);
    return next > this.#last ? next : this.#last * (this.#last > 0 ? 1 + 2 ** -50 : 1 - 2 ** -50);
  }

  #text(value: number): string {
    return `${this.#head},"progress":${value}${this.#total === null ? '' : `,"total":${this.#total}`}`;
  }
}
