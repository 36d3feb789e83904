/**
 * The lines that go to stdout, each a message.
 *
 * M1. No line is longer than MAX_LINE_BYTES: one that would be is not written, and logged.
 */
import type { Writable } from 'node:stream';
import { LineWriter } from '../../../async/line-writer.ts';
import type { TransportLog } from '../../rendering/transport-log.ts';
import { isTooLong } from '../message-size.ts';

/**
 * The clients of the official SDKs drop the connection when what they have read and not yet taken apart exceeds 10 MiB.
 * They read up to 64 KiB at once, so that a line is read with as much of what follows it.
 */
export const MAX_LINE_BYTES = 10 * 1024 * 1024 - 64 * 1024;

export class MessageLines {
  readonly #writer: LineWriter;
  readonly #log: TransportLog;

  constructor(output: Writable, log: TransportLog) {
    this.#writer = new LineWriter(output);
    this.#log = log;
  }

  /**
   * @param way `apart`: as LineWriter's `writeApart`.
   * @returns false when the line is too long.
   */
  write(text: string, way: 'apart' | 'at once' = 'at once'): boolean {
    if (isTooLong(text, MAX_LINE_BYTES)) {
      this.#log('warning', 'a message was longer than what clients take over stdio, and was not sent', {
        bytes: Buffer.byteLength(text),
        limit: MAX_LINE_BYTES,
      });
      return false;
    }
    if (way === 'apart') this.#writer.writeApart(text);
    else this.#writer.write(text);
    return true;
  }

  drained(): Promise<void> | undefined {
    return this.#writer.drained();
  }

  /** Lines that wait for their turn. */
  get heldBack(): number {
    return this.#writer.heldBack;
  }

  /** Settles when everything is flushed but what is held back. */
  flushed(): Promise<void> {
    return this.#writer.flushed();
  }

  /** No reader any more: what comes is dropped. */
  abandon(): void {
    this.#writer.abandon();
  }
}
