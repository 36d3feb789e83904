/**
 * A streamed HTTP answer: its late head, its writes, slow readers and readers that leave. SSE and NDJSON run on it.
 *
 * H1. The head goes out when the tool has started, or after a while of waiting; until then an error is still an HTTP
 *     status of its own.
 * H2. Nothing is written after the end or into a destroyed response.
 * H3. Small texts that one turn makes leave as one chunk of the transfer coding, in one write of ours: Node makes three
 *     writes of each, which costs a token more than all else that is done for it on the main thread but the system call.
 * H4. Large texts are written in slices, one per drain, so that a slow but steady reader shows progress.
 */
import type { Socket } from 'node:net';
import { DrainGate } from '../../async/drain-gate.ts';
import { leave, type RunningCall } from '../../call/running-call.ts';
import type { ToolError } from '../../call/tool-error.ts';
import { type EventSink, pumpEvents } from '../rendering/event-pump.ts';
import type { StreamWatch, WatchedStream } from '../rendering/stream-watch.ts';
import type { TransportLog } from '../rendering/transport-log.ts';
import type { TransportMeter } from '../rendering/transport-meter.ts';
import { onceClosed } from './departure.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import { commonHeaders, respondProblem } from './response.ts';

export const EVENT_STREAM_TYPE = 'text/event-stream';

const SLICE_BYTES = 256 * 1024;
/** Above this, copying a text once more to frame it costs more than a write of its own. */
const SMALL = 4096;
/** How long a stream waits for its tool to start before it sends its head, where nobody says otherwise. */
export const HEAD_DELAY_MS = 1000;

/** What a stream needs of its surroundings. */
export interface StreamContext {
  readonly watch: StreamWatch;
  readonly meter: TransportMeter;
  readonly log: TransportLog;
}

export interface HttpStreamContext extends StreamContext {
  /** How long the stream waits for its tool to start before it sends its head. */
  readonly headDelayMs: number;
}

/** What a stream tells of: a call, or what makes some. */
export interface StreamSource extends Pick<RunningCall, 'cancel' | 'reading'> {
  /** Absent: it is no one call. */
  readonly callId?: string | undefined;
}

export interface HttpStreamHooks {
  /** The tool takes long to start: send the head now. */
  beginLate(): void;
  /** The answer is done, or its reader gone. */
  closed?(): void;
}

export class HttpStream implements WatchedStream {
  readonly socket: Socket;
  readonly meter: TransportMeter;
  /** Written into silence; empty: nothing is. */
  heartbeat = '';
  readonly #request: GatewayRequest;
  readonly #response: GatewayResponse;
  readonly #source: StreamSource;
  readonly #log: TransportLog;
  readonly #headTimer: NodeJS.Timeout;
  readonly #gate = new DrainGate();
  /** Small texts of this turn (H3). */
  #pending = '';
  #hasBegun = false;
  #slices: Promise<void> | undefined;

  constructor(
    request: GatewayRequest,
    response: GatewayResponse,
    source: StreamSource,
    context: HttpStreamContext,
    hooks: HttpStreamHooks,
  ) {
    this.socket = request.socket;
    this.meter = context.meter;
    this.#request = request;
    this.#response = response;
    this.#source = source;
    this.#log = context.log;
    this.#headTimer = setTimeout(() => hooks.beginLate(), context.headDelayMs);
    this.meter.streams++;
    context.watch.add(this);
    response.on('error', () => {}); // a write that met a closing socket; 'close' follows
    const open = () => this.#gate.open();
    this.socket.on('drain', open);
    response.on('drain', open); // of an answer that waits behind another
    onceClosed(request, response, (hasLeft) => {
      this.meter.streams--;
      clearTimeout(this.#headTimer);
      this.socket.off('drain', open);
      context.watch.remove(this);
      if (hasLeft) leave(source, 'cancelled', 'the client left');
      this.#gate.open();
      hooks.closed?.();
    });
  }

  get #isOpen(): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed;
  }

  /** True once: when the head is to be sent. After that an error can only be told inside the stream. */
  begin(): boolean {
    if (this.#hasBegun || !this.#isOpen) return false;
    this.#hasBegun = true;
    clearTimeout(this.#headTimer);
    return true;
  }

  /** Answers with a problem document; false when the stream has begun. */
  refuse(error: ToolError): boolean {
    if (!this.begin()) return false;
    const { callId } = this.#source;
    respondProblem(this.#request, this.#response, error, { callId }, ...replayHeader(this.#source));
    return true;
  }

  /** @param comment what may be written into the stream at any time and means nothing there. */
  writeHead(contentType: string, comment: string): void {
    if (!this.#isOpen || this.#response.headersSent) return;
    const headers = commonHeaders(this.#request);
    const { callId, reading } = this.#source;
    if (callId !== undefined) headers.push('X-Call-Id', callId);
    headers.push('Content-Type', contentType, 'Vary', 'Accept');
    headers.push('Cache-Control', 'no-store, no-cache, no-transform', 'X-Accel-Buffering', 'no');
    if (reading?.isReplay) headers.push(...replayHeader(this.#source));
    this.#response.writeHead(200, headers);
    this.#response.comment = comment;
    this.#response.flushHeaders();
  }

  /** The writer waits for `ready()` between two texts. */
  write(text: string): void {
    if (!this.#isOpen || text === '') return;
    if (text.length < SMALL && !this.#slices) {
      if (this.#pending === '') process.nextTick(this.#onTick);
      this.#pending += text;
      if (this.#pending.length >= SMALL) this.#writePending();
      return;
    }
    this.#writePending();
    if (text.length > SLICE_BYTES) this.#slices = this.#writeSlices(text).catch((error) => this.fail(error));
    else this.#response.write(text);
  }

  readonly #onTick = (): void => {
    if (this.#isOpen) this.#writePending();
  };

  #writePending(): void {
    const text = this.#pending;
    if (text === '') return;
    this.#pending = '';
    const { socket, chunkedEncoding, headersSent } = this.#response;
    // Without a socket the answer waits behind another on its connection, and Node keeps what it has to say.
    if (socket === null || !chunkedEncoding || !headersSent) this.#response.write(text);
    else {
      const bytes = Buffer.byteLength(text);
      // RFC 9112, section 7.1
      const chunk = `${bytes.toString(16)}\r\n${text}\r\n`;
      socket.write(chunk, bytes === text.length ? 'latin1' : 'utf8');
    }
  }

  /** Ends the answer after what was written before. */
  end(): void {
    if (this.#slices) this.#slices.then(() => this.end()).catch((error) => this.fail(error));
    else if (this.#isOpen) {
      const rest = this.#pending;
      this.#pending = '';
      this.#response.end(rest);
    }
  }

  /** A promise while the reader is behind; it resolves when it caught up, or left. */
  ready(): Promise<void> | undefined {
    return this.#slices ?? this.#drain();
  }

  beat(): void {
    if (!this.#slices) this.write(this.heartbeat);
  }

  /** Breaks the answer off for a defect of ours. */
  fail(error: unknown): void {
    this.#slices = undefined;
    this.#log('error', 'the events of a call could not be sent', { callId: this.#source.callId, error });
    this.#response.destroy();
  }

  stall(): void {
    const { callId } = this.#source;
    this.#log('warning', 'a reader made no progress; its stream was destroyed', { callId });
    leave(this.#source, 'slow_consumer', 'the reader made no progress for too long');
    this.#response.destroy();
  }

  async #writeSlices(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length && this.#isOpen; at += SLICE_BYTES) {
      if (!this.#response.write(bytes.subarray(at, at + SLICE_BYTES))) await this.#drain();
    }
    this.#slices = undefined;
  }

  #drain(): Promise<void> | undefined {
    const isBehind = this.socket.writableNeedDrain || this.#response.writableNeedDrain;
    return isBehind && this.#isOpen ? this.#gate.opened() : undefined;
  }
}

/** What says that an answer is of a call that was made before. */
export const replayHeader = ({ reading }: Pick<RunningCall, 'reading'>): string[] =>
  reading?.isReplay ? ['Idempotent-Replay', 'true'] : [];

/** Sends the events of a call to its end, and what cannot be sent to the log. */
export function sendEvents(
  call: RunningCall,
  sink: EventSink,
  response: GatewayResponse,
  log: TransportLog,
): void {
  // Not awaited: as long as Express waits for a function it keeps all that led there, some 1.5 KB a stream.
  pumpEvents(call, sink).catch((error: unknown) => {
    log('error', 'the events of a call could not be sent', { callId: call.callId, error });
    response.destroy();
  });
}
