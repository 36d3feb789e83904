/**
 * One timer that looks after every open stream: a heartbeat into silence, and an end for readers that stand still.
 *
 * S1. Progress is judged, not size: a slow reader that keeps reading is never dropped.
 * S2. A stream is watched until its socket has closed, so that an ended one cannot hold its last bytes for ever.
 * S3. While this process itself stands still (a machine that sleeps, a program that is stopped) no reader does.
 */
import type { Socket } from 'node:net';
import type { TransportMeter } from './transport-meter.ts';

export interface WatchedStream {
  /** The socket, or what counts as it does for a stream that shares its socket with others. */
  readonly socket: Pick<Socket, 'bytesWritten' | 'writableLength'>;
  readonly meter: TransportMeter;
  /** Called after a while without a byte, while the reader keeps up. */
  beat?(): void;
  /** Called once when the reader has taken nothing for the stall time; the stream must destroy itself. */
  stall(): void;
}

export interface StreamWatchOptions {
  readonly heartbeatMs: number;
  readonly stallMs: number;
}

interface Sample {
  /** Bytes given to the socket. */
  written: number;
  /** Bytes of those that the socket still holds. */
  pending: number;
  /** When the reader last took something, or began to owe us. */
  movedAtMs: number;
}

export class StreamWatch {
  readonly #samples = new Map<WatchedStream, Sample>();
  readonly #options: StreamWatchOptions;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #lookedAtMs = 0;

  constructor(options: StreamWatchOptions) {
    this.#options = options;
    this.#everyMs = Math.min(1000, options.heartbeatMs / 4, options.stallMs / 4);
  }

  add(stream: WatchedStream): void {
    this.#samples.set(stream, {
      written: stream.socket.bytesWritten,
      pending: stream.socket.writableLength,
      movedAtMs: performance.now(),
    });
    if (this.#timer !== undefined) return;
    this.#lookedAtMs = performance.now();
    this.#timer = setInterval(() => this.#look(), this.#everyMs).unref();
  }

  remove(stream: WatchedStream): void {
    const sample = this.#samples.get(stream);
    if (!sample) return;
    stream.meter.bytes += stream.socket.bytesWritten - sample.written;
    this.#samples.delete(stream);
    if (this.#samples.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const now = performance.now();
    const heldUpMs = Math.max(0, now - this.#lookedAtMs - 2 * this.#everyMs);
    this.#lookedAtMs = now;
    for (const [stream, sample] of this.#samples) {
      const written = stream.socket.bytesWritten;
      const pending = stream.socket.writableLength;
      const hasMoved = written - pending !== sample.written - sample.pending;
      if (hasMoved || (pending > 0 && sample.pending === 0)) sample.movedAtMs = now;
      else if (pending > 0) sample.movedAtMs += heldUpMs; // S3
      stream.meter.bytes += written - sample.written;
      sample.written = written;
      sample.pending = pending;
      const stillMs = now - sample.movedAtMs;
      if (pending === 0) {
        if (stillMs >= this.#options.heartbeatMs) stream.beat?.();
      } else if (stillMs >= this.#options.stallMs) {
        stream.meter.slowConsumers++;
        this.remove(stream);
        stream.stall();
      }
    }
  }
}
