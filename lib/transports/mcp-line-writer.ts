/**
 * Writes MCP messages to stdout, one a line.
 *
 * W1. Nothing else is ever written there, and nothing after the reader is gone.
 * W2. `afterFlush` lets what was written reach the reader before the next line is: a client that reads a notification
 *     together with the response drops the notification.
 */
import type { Writable } from 'node:stream';

/** How long a response keeps away from the notification before it: a pipe tells when it was filled, not when read. */
const READER_TURN_MS = 50;

export class LineWriter {
  readonly #output: Writable;
  #isGone = false;
  #drained: Promise<void> | undefined;
  #release: (() => void) | undefined;

  constructor(output: Writable) {
    this.#output = output;
    output.on('drain', () => this.#settle());
  }

  write(text: string): void {
    if (!this.#isGone) this.#output.write(`${text}\n`);
  }

  /** Undefined when more may be written; else settles when the reader took everything, or is gone. */
  drained(): Promise<void> | undefined {
    if (this.#isGone || !this.#output.writableNeedDrain) return undefined;
    this.#drained ??= new Promise((resolve) => {
      this.#release = resolve;
    });
    return this.#drained;
  }

  /** Runs `then` when everything written so far is flushed and the reader had a turn to read it. */
  afterFlush(then: () => void): void {
    if (this.#isGone) return;
    this.#output.write('', () => setTimeout(then, READER_TURN_MS));
  }

  /** No reader any more: what comes is dropped. */
  abandon(): void {
    this.#isGone = true;
    this.#settle();
  }

  #settle(): void {
    this.#release?.();
    this.#drained = undefined;
    this.#release = undefined;
  }
}
