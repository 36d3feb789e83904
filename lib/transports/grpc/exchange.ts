/**
 * One RPC on its HTTP/2 stream: what it brought, the messages in both directions, and the status that ends it.
 *
 * E1. One end: what is sent or finished after that, or after the client has left, is a no-op.
 * E2. An end that comes before any message is one block of headers (Trailers-Only). A client that still sends then is told
 *     to stop by RST_STREAM(NO_ERROR).
 * E3. Large messages are written in slices, one per drain, so that a slow but steady reader shows progress.
 */
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { DrainGate } from '../../async/drain-gate.ts';
import type { RequestOrigin } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { StreamWatch, WatchedStream } from '../rendering/stream-watch.ts';
import type { TransportMeter } from '../rendering/transport-meter.ts';
import { ACCEPTED_CODINGS, FrameReader, frame } from './message-frames.ts';
import { errorTrailers, OK } from './status.ts';

const SLICE_BYTES = 256 * 1024;
/** How long a client may take for the one message of its request. */
const REQUEST_MS = 30_000;
/** A Node timer set to more than this fires at once. */
const MAX_TIMER_MS = 2_147_483_647;

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1 / 1000,
  n: 1 / 1_000_000,
};

export interface ExchangeContext {
  readonly watch: StreamWatch;
  readonly meter: TransportMeter;
  /** The largest message that a request may have. */
  readonly maxBodyBytes: number;
}

/** What comes from the client. Either may throw a ToolError, which ends the RPC. */
export interface Receiver {
  message(message: Buffer): void;
  halfClosed(): void;
}

export class Exchange implements WatchedStream {
  readonly headers: IncomingHttpHeaders;
  readonly meter: TransportMeter;
  readonly origin: RequestOrigin;
  /** Who calls; empty for methods that need no key. */
  keyId = '';
  /** Told once, when the client has left before the end. */
  onLeft: (() => void) | undefined;
  /** Told when the client has stood still for too long; the RPC is ended behind it. */
  onStall: (() => void) | undefined;
  /** Told once, when the stream is gone, however it ended. */
  onClosed: (() => void) | undefined;
  /** Whether there is something of a call that its client was not told yet. */
  owesEvents: () => boolean = () => false;
  bytesWritten = 0;
  readonly #stream: ServerHttp2Stream;
  readonly #context: ExchangeContext;
  readonly #gate = new DrainGate();
  /** Headers of its answer. */
  readonly #head: Record<string, string>;
  #isFinished = false;
  #isWatched = false;
  #slices: Promise<void> | undefined;
  #trailers: Record<string, string> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    origin: RequestOrigin,
    context: ExchangeContext,
  ) {
    this.#stream = stream;
    this.headers = headers;
    this.origin = origin;
    this.#context = context;
    this.meter = context.meter;
    this.#head = {
      'content-type': 'application/grpc',
      'grpc-accept-encoding': ACCEPTED_CODINGS,
      'x-request-id': origin.requestId,
    };
    stream.on('error', () => {}); // a reset by the client; 'close' follows
    stream.on('drain', () => this.#gate.open());
    stream.on('wantTrailers', () => this.#sendTrailers());
    stream.on('close', () => this.#close());
  }

  /** As the watch over slow readers sees it: what this stream was given, and what it still holds. */
  get socket(): Exchange {
    return this;
  }

  get writableLength(): number {
    return this.#stream.writableLength;
  }

  get isOpen(): boolean {
    return !this.#isFinished && !this.#stream.destroyed;
  }

  /** A header of every answer from now on. @param pairs names and values in turn. */
  addHeaders(pairs: readonly string[]): void {
    for (let at = 0; at < pairs.length; at += 2)
      this.#head[(pairs[at] ?? '').toLowerCase()] = pairs[at + 1] ?? '';
  }

  header(name: string): string | undefined {
    const value = this.headers[name];
    return typeof value === 'string' ? value : undefined;
  }

  /**
   * How long the client waits for the RPC, in milliseconds; undefined: as long as it takes.
   * @throws {ToolError} invalid_request.
   */
  timeoutMs(): number | undefined {
    const text = this.header('grpc-timeout');
    if (text === undefined) return undefined;
    const [, amount = '', unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
    const unitMs = UNIT_MS[unit];
    if (unitMs === undefined) {
      const reason = `grpc-timeout ${JSON.stringify(text)} is none; it is up to eight digits and H, M, S, m, u or n`;
      throw new ToolError('invalid_request', reason);
    }
    return Number(amount) * unitMs;
  }

  /** For an RPC that is no single call: ends it at its deadline, where its client has set one. @throws {ToolError} */
  endAtDeadline(onEnd: () => void = () => {}): void {
    const ms = this.timeoutMs();
    if (ms === undefined) return;
    this.#setTimer(ms, () => {
      onEnd();
      this.fail(new ToolError('deadline_exceeded', 'the deadline of the RPC is over'));
    });
  }

  /** Takes what the client sends from now on. */
  receive({ message, halfClosed }: Receiver): void {
    const frames = new FrameReader(this.#context.maxBodyBytes, this.header('grpc-encoding'));
    const guarded = (act: () => void) => {
      try {
        if (this.isOpen) act();
      } catch (thrown) {
        this.fail(thrown);
      }
    };
    this.#stream.on('data', (bytes: Buffer) =>
      guarded(() => {
        for (const one of frames.read(bytes)) if (this.isOpen) message(one);
      }),
    );
    this.#stream.on('end', () =>
      guarded(() => {
        if (frames.isPartial) throw new ToolError('parse_error', 'the request ends within a message');
        halfClosed();
      }),
    );
  }

  /** Takes the one message of a request that has no more. */
  receiveOne(handle: (message: Buffer) => void): void {
    let request: Buffer | undefined;
    this.#setTimer(REQUEST_MS, () =>
      this.fail(new ToolError('deadline_exceeded', 'the message of the request did not come in time')),
    );
    this.receive({
      message(message) {
        if (request)
          throw new ToolError('invalid_request', 'this method takes one message, and there are more');
        request = message;
      },
      halfClosed: () => {
        clearTimeout(this.#timer);
        if (!request) throw new ToolError('invalid_request', 'the request has no message');
        handle(request);
      },
    });
  }

  /** Watches the reader from now on: of RPCs that stream, or send much. */
  watchReader(): void {
    if (this.#isWatched || this.#stream.destroyed) return;
    this.#isWatched = true;
    this.#context.watch.add(this);
  }

  /** The writer waits for `ready()` between two messages. */
  send(message: Uint8Array): void {
    if (!this.isOpen) return;
    this.#respond();
    this.#write(frame(message));
  }

  /** A promise while the reader is behind; it resolves when it caught up, or left. */
  ready(): Promise<void> | undefined {
    return this.#slices ?? this.#drained();
  }

  /** Ends the RPC well, after a last message where there is one. */
  succeed(message?: Uint8Array): void {
    if (!this.isOpen) return;
    if (message !== undefined) this.send(message);
    this.#finish({ 'grpc-status': String(OK) });
  }

  /**
   * Ends the RPC with what was thrown; anything but a ToolError is a defect of ours.
   * @param status where it is not that of the error's code.
   */
  fail(thrown: unknown, callId?: string, status?: number): void {
    if (!this.isOpen) return;
    const error = ToolError.from(thrown, 'internal', 'the request could not be handled');
    this.#finish(errorTrailers(error, callId, status));
  }

  /** Ends the RPC without a word: its client reads nothing. */
  stall(): void {
    this.onStall?.();
    this.#isFinished = true;
    this.#stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  #respond(): void {
    if (!this.#stream.headersSent)
      this.#stream.respond({ ':status': 200, ...this.#head }, { waitForTrailers: true });
  }

  #write(bytes: Buffer): void {
    if (!this.#isWatched) this.meter.bytes += bytes.length; // the watch counts what it watches
    if (bytes.length > SLICE_BYTES || this.#slices) this.#slices = this.#writeSlices(bytes, this.#slices);
    else {
      this.bytesWritten += bytes.length;
      this.#stream.write(bytes);
    }
  }

  async #writeSlices(bytes: Buffer, before: Promise<void> | undefined): Promise<void> {
    await before;
    for (let at = 0; at < bytes.length && !this.#stream.destroyed; at += SLICE_BYTES) {
      const slice = bytes.subarray(at, at + SLICE_BYTES);
      this.bytesWritten += slice.length;
      if (!this.#stream.write(slice)) await this.#drained();
    }
    this.#slices = undefined;
  }

  #drained(): Promise<void> | undefined {
    const { writableNeedDrain, destroyed } = this.#stream;
    return writableNeedDrain && !destroyed ? this.#gate.opened() : undefined;
  }

  #finish(trailers: Record<string, string>): void {
    this.#isFinished = true;
    clearTimeout(this.#timer);
    if (!this.#stream.headersSent) {
      this.#stream.respond({ ':status': 200, ...this.#head, ...trailers }, { endStream: true });
      this.#stopClient();
      return;
    }
    this.#trailers = trailers;
    if (this.#slices) void this.#slices.then(() => this.#stream.end());
    else this.#stream.end();
  }

  #sendTrailers(): void {
    if (this.#stream.destroyed) return;
    this.#stream.sendTrailers(this.#trailers ?? {});
    this.#stopClient();
  }

  /** What a client sends after the end is for nobody. */
  #stopClient(): void {
    if (this.#stream.readableEnded) return;
    this.#stream.resume();
    setImmediate(() => {
      if (!this.#stream.readableEnded && !this.#stream.closed) this.#stream.close(constants.NGHTTP2_NO_ERROR);
    });
  }

  #setTimer(ms: number, act: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(act, Math.min(ms, MAX_TIMER_MS)).unref();
  }

  #close(): void {
    clearTimeout(this.#timer);
    if (this.#isWatched) this.#context.watch.remove(this);
    if (!this.#isFinished) {
      this.#isFinished = true;
      this.onLeft?.();
    }
    this.#gate.open();
    this.onClosed?.();
  }
}
