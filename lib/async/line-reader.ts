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
  /** A line that is not UTF-8. */
  notUtf8(): void;
}

export class LineReader {
  readonly #maxBytes: number;
  readonly #listener: LineListener;
  #parts: Buffer[] = [];
  #size = 0;
  #isSkipping = false;

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
    if (this.#isSkipping || part.length === 0) return;
    this.#size += part.length;
    if (this.#size > this.#maxBytes) {
      this.#isSkipping = true;
      this.#parts = [];
      this.#listener.tooLong();
    } else this.#parts.push(part);
  }

  #finish(): void {
    const line = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
    const isWhole = !this.#isSkipping;
    this.#parts = [];
    this.#size = 0;
    this.#isSkipping = false;
    if (!isWhole || !line || line.length === 0) return;
    if (!isUtf8(line)) return this.#listener.notUtf8();
    const text = line.toString().trim();
    if (text !== '') this.#listener.line(text);
  }
}
