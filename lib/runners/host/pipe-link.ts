/**
 * A link over a stream of bytes.
 *
 * P1. What the other side sends is not trusted: what is no batch, or longer than the limit, closes the link.
 * P2. Bytes are put together once, however many reads a batch takes.
 */
import type { Duplex } from 'node:stream';
import { bodyLength, decodeBatch, encodeBatch, HEAD_BYTES } from './batch-codec.ts';
import type { Link, LinkListener } from './link.ts';

export class PipeLink<Sent, Received> implements Link<Sent, Received> {
  readonly #stream: Duplex;
  readonly #maxBytes: number;
  #listener: LinkListener<Received> | null = null;
  #parts: Buffer[] = [];
  #size = 0;
  /** Of the batch that is being read, its head included; 0 while that is unknown. */
  #wanted = 0;
  #error: Error | null = null;

  /** @param maxBytes of one batch. */
  constructor(stream: Duplex, maxBytes: number) {
    this.#stream = stream;
    this.#maxBytes = maxBytes;
  }

  listen(listener: LinkListener<Received>): void {
    this.#listener = listener;
    this.#stream.on('data', (bytes: Buffer) => this.#onBytes(bytes));
    this.#stream.on('error', (error) => {
      this.#error ??= error;
    });
    let isClosed = false;
    const onClosed = () => {
      if (!isClosed) listener.closed(this.#error);
      isClosed = true;
    };
    this.#stream.once('end', onClosed);
    this.#stream.once('close', onClosed);
  }

  send(frames: readonly Sent[]): void {
    if (!this.#stream.writable) return;
    const parts = encodeBatch(frames);
    if (parts.length > 1) this.#stream.cork();
    for (const part of parts) this.#stream.write(part);
    if (parts.length > 1) this.#stream.uncork();
  }

  close(): void {
    this.#stream.end();
  }

  #onBytes(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#size += bytes.length;
    try {
      while (this.#takeBatch());
    } catch (error) {
      this.#parts = [];
      this.#stream.destroy(new Error(`what came was no batch of frames: ${(error as Error).message}`));
    }
  }

  /** @returns whether there was a whole one. */
  #takeBatch(): boolean {
    if (this.#wanted === 0) {
      if (this.#size < HEAD_BYTES) return false;
      const length = bodyLength(this.#joined());
      if (length > this.#maxBytes) throw new RangeError(`it says that it has ${length} bytes`);
      this.#wanted = HEAD_BYTES + length;
    }
    if (this.#size < this.#wanted) return false;
    const all = this.#joined();
    const end = this.#wanted;
    this.#size -= end;
    this.#wanted = 0;
    this.#parts = this.#size > 0 ? [all.subarray(end)] : [];
    this.#listener?.received(decodeBatch(all.subarray(0, end)) as readonly Received[]);
    return true;
  }

  #joined(): Buffer {
    const [first] = this.#parts;
    if (this.#parts.length === 1 && first) return first;
    const all = Buffer.concat(this.#parts);
    this.#parts = [all];
    return all;
  }
}
