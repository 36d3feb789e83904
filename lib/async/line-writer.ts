/**
 * Lines of text to a byte stream, within what its reader takes.
 *
 * W1. Nothing is written after the reader is gone.
 * W2. `writeApart` lets what was written reach the reader before its line is, for readers that make one of two lines
 *     that they read at once. Who writes long after the last line does not wait.
 */
import type { Writable } from 'node:stream';
import { DrainGate } from './drain-gate.ts';

/** How long a line keeps away from the one before it: a pipe tells when it was filled, not when read. */
const READER_TURN_MS = 50;

export class LineWriter {
  readonly #output: Writable;
  readonly #gate = new DrainGate();
  #isGone = false;
  #flushedAt = Number.NEGATIVE_INFINITY;
  #heldBack = 0;

  constructor(output: Writable) {
    this.#output = output;
    output.on('drain', () => this.#gate.open());
  }

  write(text: string): void {
    if (!this.#isGone) this.#output.write(`${text}\n`, this.#onFlushed);
  }

  readonly #onFlushed = (): void => {
    this.#flushedAt = performance.now();
  };

  /** Undefined when more may be written; else settles when the reader took everything, or is gone. */
  drained(): Promise<void> | undefined {
    return this.#isGone || !this.#output.writableNeedDrain ? undefined : this.#gate.opened();
  }

  /** Writes a line that the reader shall not find together with the one before. */
  writeApart(text: string): void {
    if (this.#isGone) return;
    this.#heldBack++;
    const write = () => {
      this.#heldBack--;
      this.write(text);
    };
    this.#output.write('', () => {
      const leftMs = this.#flushedAt + READER_TURN_MS - performance.now();
      if (leftMs > 0) setTimeout(write, leftMs);
      else write();
    });
  }

  /** Lines that wait for their turn. */
  get heldBack(): number {
    return this.#heldBack;
  }

  /** Settles when everything is flushed but what is held back. */
  flushed(): Promise<void> {
    return new Promise((resolve) => this.#output.write('', () => resolve()));
  }

  /** No reader any more: what comes is dropped. */
  abandon(): void {
    this.#isGone = true;
    this.#gate.open();
  }
}
