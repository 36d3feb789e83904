/**
 * What the process holds of the machine's memory, read many times a second. Node asks a file of Linux that adds up all
 * threads for it; another has the size alone, and costs a tenth.
 */
import { closeSync, openSync, readSync } from 'node:fs';

const SIZE_FILE = '/proc/self/statm';
/** The second number, in pages. */
const RESIDENT = 1;

export class ProcessSize {
  readonly #bytes = Buffer.alloc(128);
  /** Open for as long as this is used. Null: not looked for yet; undefined: there is none. */
  #file: number | null | undefined = null;
  #pageBytes = 0;

  /** Bytes, or null where the system does not say: a tool may have taken all file descriptors. */
  read(): number | null {
    try {
      if (this.#file === null) this.#open();
      if (this.#file !== undefined) return this.#pages() * this.#pageBytes;
      return process.memoryUsage.rss();
    } catch {
      return null;
    }
  }

  close(): void {
    if (typeof this.#file === 'number') closeSync(this.#file);
    this.#file = null;
  }

  #open(): void {
    const size = process.memoryUsage.rss();
    this.#file = process.platform === 'linux' ? openSync(SIZE_FILE, 'r') : undefined;
    // Of 4 KiB on most machines, larger on some; the size has hardly changed meanwhile.
    if (this.#file !== undefined) this.#pageBytes = 2 ** Math.round(Math.log2(size / this.#pages()));
  }

  #pages(): number {
    const length = readSync(this.#file as number, this.#bytes, 0, this.#bytes.length, 0);
    return Number(this.#bytes.toString('latin1', 0, length).split(' ')[RESIDENT]);
  }
}
