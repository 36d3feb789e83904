/**
 * A call's chunks on their way out of the thread: batched, counted, and held to the caller's pace.
 *
 * C1. The first chunk goes at once; then up to 1024 chunks or 64 KiB a batch, and none is held longer than 10 ms.
 *     Timers do not fire while a tool loops, so each chunk looks at the clock.
 * C2. Never more outstanding than the credit; one chunk larger than the byte credit goes when no more
 *     than CREDIT_SLACK is outstanding. A chunk that finds no credit waits, and with it the tool's `yield`.
 * C3. Halves of surrogate pairs are looked for in a whole batch: in each chunk it would cost 4 % of all that a small one
 *     takes.
 * C4. The list that a result repeats is kept here as text, up to its cap, and dropped once it grows over it.
 */

import { ToolError } from '../lib/call/tool-error.ts';
import { CREDIT_SLACK, CREDIT_WINDOW, type Credit } from '../lib/runners/threads/port/frames.ts';
import { clearTimeout, setTimeout } from './async-context/own-timers.ts';
import { byteLength, NativePromise, now as timeNow } from './intrinsics/captured.ts';
import { exceedsBytes, withoutHalves } from './json-text.ts';

const BATCH_ITEMS = 1024;
const BATCH_BYTES = 64 * 1024;
const BATCH_AGE_MS = 10;

export interface ChunkStreamOptions {
  /** False: nothing is sent, only counted and kept for the repeat. */
  readonly streams: boolean;
  readonly repeatBytes: number;
  readonly maxChunkBytes: number;
  /** What it starts with. Default: what the gateway expects. */
  readonly credit?: Credit;
  /** Posts a batch. */
  readonly send: (index: number, count: number, text: string) => void;
}

export class ChunkStream {
  readonly #options: ChunkStreamOptions;
  #count = 0;
  /** The batch as it is sent: a text of lines. */
  #batch = '';
  #batchItems = 0;
  #batchBytes = 0;
  #sentAt = 0;
  #timer: NodeJS.Timeout | null = null;

  #creditItems: number;
  #creditBytes: number;
  #outstandingBytes = 0;
  #wake: (() => void) | null = null;
  #isOpen = true;

  /** What goes between the brackets of the list. */
  #repeat: string | null = '';
  #repeatBytes = 2;

  constructor(options: ChunkStreamOptions) {
    this.#options = options;
    const { items, bytes } = options.credit ?? CREDIT_WINDOW;
    this.#creditItems = items;
    this.#creditBytes = bytes;
  }

  /** Chunks accepted so far. */
  get count(): number {
    return this.#count;
  }

  /**
   * Accepts one chunk as JSON text, halves included; null for one that is above its cap in any case.
   * @returns a promise where the tool has to wait for credit, else nothing.
   * @throws {ToolError} `result_too_large` for a chunk, or with nothing streamed a list, above its cap.
   */
  add(json: string | null, now: number): Promise<void> | undefined {
    if (json === null || exceedsBytes(json, this.#options.maxChunkBytes)) {
      throw new ToolError(
        'result_too_large',
        `chunk ${this.#count} is larger than ${this.#options.maxChunkBytes} bytes (MAX_RESULT_BYTES); send it in smaller chunks`,
      );
    }
    if (this.#repeat !== null) this.#keepForRepeat(json);
    if (!this.#options.streams) {
      this.#count++;
      return undefined;
    }
    if (!this.#hasCreditFor(json.length)) return this.#addWhenCredited(json);
    this.#accept(json, now);
    return undefined;
  }

  #hasCreditFor(bytes: number): boolean {
    return (
      this.#creditItems > 0 && (this.#creditBytes >= bytes || this.#outstandingBytes <= CREDIT_SLACK.bytes)
    );
  }

  async #addWhenCredited(json: string): Promise<void> {
    this.flush();
    while (this.#isOpen && !this.#hasCreditFor(json.length)) {
      await new NativePromise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#isOpen) this.#accept(json, timeNow());
  }

  #accept(json: string, now: number): void {
    this.#count++;
    this.#creditItems--;
    this.#creditBytes -= json.length;
    this.#outstandingBytes += json.length;
    this.#batch = this.#batchItems++ === 0 ? json : `${this.#batch}\n${json}`;
    this.#batchBytes += json.length;
    const isFull = this.#batchItems >= BATCH_ITEMS || this.#batchBytes >= BATCH_BYTES;
    if (isFull || now - this.#sentAt >= BATCH_AGE_MS) this.flush(now);
    else this.#timer ??= setTimeout(this.#onTimer, BATCH_AGE_MS);
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    this.flush();
  };

  /** Sends the batch that is held back, if any. */
  flush(now = timeNow()): void {
    const items = this.#batchItems;
    if (items === 0) return;
    const text = withoutHalves(this.#batch);
    const less = this.#batch.length - text.length; // than was counted; the gateway counts what it gets
    this.#creditBytes += less;
    this.#outstandingBytes -= less;
    this.#batch = '';
    this.#batchItems = 0;
    this.#batchBytes = 0;
    this.#sentAt = now;
    this.#options.send(this.#count - items, items, text);
  }

  grant(items: number, bytes: number): void {
    this.#creditItems += items;
    this.#creditBytes += bytes;
    this.#outstandingBytes -= bytes;
    this.#wakeUp();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  #keepForRepeat(json: string): void {
    this.#repeatBytes += byteLength(json) + 1;
    if (this.#repeatBytes <= this.#options.repeatBytes) {
      this.#repeat = this.#repeat ? `${this.#repeat},${json}` : json;
      return;
    }
    this.#repeat = null;
    if (!this.#options.streams) {
      throw new ToolError(
        'result_too_large',
        `the list is larger than ${this.#options.repeatBytes} bytes (MAX_RESULT_BYTES); ` +
          'stream it instead (POST …/stream, WebSocket) or ask for less at a time (limit and cursor, where the tool has them)',
      );
    }
  }

  /** The list of chunks as JSON text, or null when it grew over its cap. */
  repeated(): string | null {
    return this.#repeat === null || this.#options.repeatBytes === 0
      ? null
      : `[${withoutHalves(this.#repeat)}]`;
  }

  /** Lets a waiting `add` go, and drops what was kept and what comes later. */
  close(): void {
    this.#isOpen = false;
    this.#repeat = null;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#wakeUp();
  }
}
