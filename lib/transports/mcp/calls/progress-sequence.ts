/**
 * Progress notifications of one call: its own progress, its chunks and the heartbeat in one sequence.
 *
 * P1. Every value is greater than the one before. A tool's own value is kept as it is wherever that is possible;
 *     chunks and heartbeats that go without one take a small step above the last value, in few decimals.
 * P2. `total` is the tool's own, never invented; what is not the tool's own value never exceeds it: above it goes without.
 */
import { META_PREFIX } from '../era.ts';
import { jsonText } from '../message.ts';

/** A step is a thousandth of the room that there is, in a power of ten. */
const FINENESS = 3;

/** A finer step than this is no number that anybody can read: a tool's next value may have to give way then. */
const FINEST = 1e-9;

/** Consecutive chunks, `items` as JSON text. */
export interface ChunkItems {
  readonly index: number;
  readonly items: readonly string[];
}

/** A tool's own report. */
export interface Report {
  readonly progress: number;
  readonly total: number | null;
  readonly message: string;
}

export class ProgressSequence {
  readonly #head: string;
  #last: number;
  #total: number | null = null;
  /** The tool's last own value, and the least distance between two of them. */
  #own = 0;
  #distance = Number.POSITIVE_INFINITY;

  /**
   * @param token the request's progress token, a string or a number.
   * @param last what the client was told last, where another gateway has begun the sequence.
   */
  constructor(token: string | number, last = Number.NEGATIVE_INFINITY) {
    this.#last = last;
    this.#head = `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${jsonText(token)}`;
  }

  /** The last value; undefined: there was none. */
  get last(): number | undefined {
    return this.#last === Number.NEGATIVE_INFINITY ? undefined : this.#last;
  }

  /** The tool's own report, and chunks that go with it. @returns what writes them, as often as it is asked. */
  report({ progress, total, message }: Report, chunk?: ChunkItems): () => string {
    if (progress > this.#own) this.#distance = Math.min(this.#distance, progress - this.#own);
    this.#own = progress;
    this.#total = total;
    const isKept = progress > this.#last;
    this.#last = isKept ? progress : this.#above();
    const text = message === '' ? '' : `,"message":${JSON.stringify(message)}`;
    const head = `${this.#text(isKept)}${text}`;
    return () => `${head}${metaText(chunk, true)}}}`;
  }

  /** Chunks alone. @returns what writes them, as often as it is asked. */
  chunks(chunk: ChunkItems): () => string {
    this.#last = this.#above();
    const head = this.#text();
    return () => `${head}${metaText(chunk)}}}`;
  }

  /** A sign of life of a silent tool. */
  heartbeat(): string {
    this.#last = this.#above();
    return `${this.#text()}}}`;
  }

  /** The next value on a decimal grid that leaves room for the tool's next own one. */
  #above(): number {
    const last = this.#last;
    if (last === Number.NEGATIVE_INFINITY) return 0;
    const distance = Number.isFinite(this.#distance) ? this.#distance : 1;
    const room = this.#own + distance - last;
    const exponent = Math.ceil(Math.log10(room > 0 ? room : distance)) - FINENESS;
    const step = Math.max(FINEST, 10 ** exponent);
    const next = Math.floor(last / step + 1.5) * step;
    const rounded = Number(next.toFixed(Math.min(9, Math.max(0, -exponent))));
    if (rounded > last && Number.isFinite(rounded)) return rounded;
    // A value so large that no such step changes it.
    const beyond = last + Math.abs(last) * 2 ** -40;
    return beyond > last ? beyond : last * (last > 0 ? 1 + 2 ** -50 : 1 - 2 ** -50);
  }

  #text(isOwn = false): string {
    const total = this.#total;
    const isBounded = total !== null && (isOwn || this.#last <= total);
    return `${this.#head},"progress":${this.#last}${isBounded ? `,"total":${total}` : ''}`;
  }
}

/** @param isReported whether the progress beside it is the tool's own. */
const metaText = (chunk: ChunkItems | undefined, isReported = false): string =>
  chunk === undefined
    ? ''
    : `,"_meta":{"${META_PREFIX}chunk":{"index":${chunk.index},"items":[${chunk.items.join(',')}]${isReported ? ',"reported":true' : ''}}}`;
