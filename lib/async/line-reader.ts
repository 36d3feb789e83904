/**
 * Lines of a byte stream as UTF-8 text, within a length.
 *
 * L1. A line that is too long is told once and skipped to its end; the lines after it are read as ever.
 * L2. Bytes are kept as they came until a line is whole: a character may be split over two reads.
 */
import { isUtf8 } from 'node:buffer';

export interface LineListener {
  line(text: string): void;
  /** A line longer than the limit. */
  tooLong(): void;
  /** Such a line has ended: how it began, and how it ended, some hundred bytes of each. */
  skipped?(head: string, tail: string): void;
  /** A line that is not UTF-8. */
  notUtf8(): void;
}

const EMPTY = Buffer.alloc(0);
/** Of a line that is too long. */
const SHOWN_BYTES = 256;

export class LineReader {
  readonly #maxBytes: number;
  readonly #listener: LineListener;
  #parts: Buffer[] = [];
  #size = 0;
  #isSkipping = false;
  #head = EMPTY;
  #tail = EMPTY;

  constructor(maxBytes: number, listener: LineListener) {
    this.#maxBytes = maxBytes;
    this.#listener = listener;
  }

  push(bytes: Buffer): void {
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      this.#add(bytes.subarray(start, end));
      this.#finish();
      start = end + 1;
    }
    this.#add(bytes.subarray(start));
  }

  /** Takes what came after the last line end as a line: no more comes. */
  end(): void {
    this.#finish();
  }

  #add(part: Buffer): void {
    if (part.length === 0) return;
    if (this.#isSkipping) {
      this.#keepTail(part);
      return;
    }
    this.#size += part.length;
    this.#parts.push(part);
    if (this.#size <= this.#maxBytes) return;
    this.#isSkipping = true;
    this.#head = Buffer.from((this.#parts[0] ?? part).subarray(0, SHOWN_BYTES));
    this.#parts = [];
    this.#keepTail(part);
    this.#listener.tooLong();
  }

  #keepTail(part: Buffer): void {
    const all = part.length >= SHOWN_BYTES ? part : Buffer.concat([this.#tail, part]);
    this.#tail = Buffer.from(all.subarray(-SHOWN_BYTES));
  }

  #finish(): void {
    if (this.#isSkipping) this.#listener.skipped?.(this.#head.toString(), this.#tail.toString());
    const line = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
    const isWhole = !this.#isSkipping;
    this.#parts = [];
    this.#size = 0;
    this.#isSkipping = false;
    this.#tail = EMPTY;
    if (!isWhole || !line || line.length === 0) return;
    if (!isUtf8(line)) return this.#listener.notUtf8();
    const text = line.toString().trim();
    if (text !== '') this.#listener.line(text);
  }
}
