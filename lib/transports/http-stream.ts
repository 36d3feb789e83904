/**
 * A streamed HTTP answer: writes, waits for slow readers, notices readers that leave. SSE and NDJSON run on it.
 *
 * H1. Only the response's 'close' tells that a client left: the request's own fires as soon as its body is read.
 * H2. Nothing is written after the end or into a destroyed response.
 * H3. Large texts are written in slices, one per drain, so that a slow but steady reader shows progress.
 */
import type { Socket } from 'node:net';
import type { RunningCall } from '../tool/runner.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import type { StreamWatch, WatchedStream } from './stream-watch.ts';
import type { TransportLog } from './transport-log.ts';
import type { TransportMeter } from './transport-meters.ts';

const SLICE_BYTES = 256 * 1024;

/** What a stream needs of its surroundings. */
export interface StreamContext {
  readonly watch: StreamWatch;
  readonly meter: TransportMeter;
  readonly log: TransportLog;
}

export class HttpStream implements WatchedStream {
  readonly socket: Socket;
  readonly meter: TransportMeter;
  /** Written into silence; empty: nothing is. */
  heartbeat = '';
  readonly #response: GatewayResponse;
  readonly #call: RunningCall;
  readonly #log: TransportLog;
  #slices: Promise<void> | undefined;
  #resume: (() => void) | undefined;
  #drained: Promise<void> | undefined;

  constructor(request: GatewayRequest, response: GatewayResponse, call: RunningCall, context: StreamContext) {
    this.socket = request.socket;
    this.meter = context.meter;
    this.#response = response;
    this.#call = call;
    this.#log = context.log;
    this.meter.streams++;
    context.watch.add(this);
    response.on('error', () => {}); // a write that met a closing socket; 'close' follows
    response.on('drain', () => this.#wake());
    const leave = () => {
      this.meter.streams--;
      context.watch.remove(this);
      if (!response.writableFinished) call.cancel('cancelled', 'the client left');
      this.#wake();
    };
    if (response.closed || this.socket.destroyed) leave();
    else response.once('close', leave);
  }

  get isOpen(): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed;
  }

  writeHead(headers: string[]): void {
    if (!this.isOpen || this.#response.headersSent) return;
    this.#response.writeHead(200, headers);
    this.#response.flushHeaders();
  }

  /** The writer waits for `ready()` between two texts. */
  write(text: string): void {
    if (!this.isOpen || text === '') return;
    if (text.length > SLICE_BYTES) this.#slices = this.#writeSlices(text);
    else this.#response.write(text);
  }

  /** Ends the answer after what was written before. */
  end(): void {
    if (this.#slices) this.#slices.then(() => this.#response.end());
    else if (this.isOpen) this.#response.end();
  }

  /** A promise while the reader is behind; it resolves when it caught up, or left. */
  ready(): Promise<void> | undefined {
    return this.#slices ?? this.#drain();
  }

  beat(): void {
    if (!this.#slices) this.write(this.heartbeat);
  }

  stall(): void {
    this.#log('warning', 'a reader made no progress; its stream was destroyed', {
      callId: this.#call.callId,
    });
    this.#call.cancel('slow_consumer', 'the reader made no progress for too long');
    this.#response.destroy();
  }

  async #writeSlices(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length && this.isOpen; at += SLICE_BYTES) {
      if (!this.#response.write(bytes.subarray(at, at + SLICE_BYTES))) await this.#drain();
    }
    this.#slices = undefined;
  }

  #drain(): Promise<void> | undefined {
    if (!this.#response.writableNeedDrain || !this.isOpen) return undefined;
    this.#drained ??= new Promise((resolve) => {
      this.#resume = resolve;
    });
    return this.#drained;
  }

  #wake(): void {
    this.#resume?.();
    this.#resume = undefined;
    this.#drained = undefined;
  }
}
