/**
 * One HTTP response of /mcp: a JSON document, or a stream of server-sent events, whichever comes first.
 *
 * R1. Nothing is written until it is known which of the two it is.
 * R2. The last event, and any other answer, goes out in a write of its own, after the write before it was flushed and a few milliseconds
 *     passed: SDK clients drop a notification that they read together with the response.
 * R3. Whatever waits for its reader is watched: one that stands still is cut off.
 */
import { DrainGate } from '../../../async/drain-gate.ts';
import { onceClosed } from '../../http/departure.ts';
import {
  EVENT_STREAM_COMMENT,
  type GatewayRequest,
  type GatewayResponse,
} from '../../http/gateway-message.ts';
import { commonHeaders, sendBody } from '../../http/response.ts';
import type { StreamWatch, WatchedStream } from '../../rendering/stream-watch.ts';
import type { TransportMeter } from '../../rendering/transport-meter.ts';
import { codeOf, type McpFault } from '../fault.ts';

/** How long the last event keeps away from the one before it. */
const LAST_EVENT_GAP_MS = 5;
/** The same on a stream that many calls share: its reader has the events of all of them to see to in between. */
const SHARED_EVENT_GAP_MS = 50;

const SSE_HEAD = [
  ...['Content-Type', 'text/event-stream'],
  ...['Cache-Control', 'no-store, no-transform'],
  ...['X-Accel-Buffering', 'no'],
];

/** What all replies share. */
export interface ReplyContext {
  readonly watch: StreamWatch;
  readonly meter: TransportMeter;
}

export class McpReply {
  readonly #request: GatewayRequest;
  readonly #response: GatewayResponse;
  readonly #context: ReplyContext;
  readonly #headers: string[];
  #isStream = false;
  #isEnding = false;
  #isStalled = false;
  #lastWriteAt = Number.NEGATIVE_INFINITY;
  /** Of a stream: a document is written in one piece. */
  #gate: DrainGate | undefined;

  constructor(request: GatewayRequest, response: GatewayResponse, context: ReplyContext) {
    this.#request = request;
    this.#response = response;
    this.#context = context;
    this.#headers = commonHeaders(request);
  }

  /** Adds a header; too late once anything was written. */
  header(name: string, value: string): void {
    this.#headers.push(name, value);
  }

  /** Tells the log that the request is refused without having become a call. */
  refused(fault: McpFault): void {
    this.#request.onRefused?.(this.#request, codeOf(fault), fault.status, fault.message);
  }

  get isStream(): boolean {
    return this.#isStream;
  }

  /** True once nothing more can be written. */
  get isOver(): boolean {
    return this.#isEnding || this.#response.destroyed;
  }

  /** Told once when the connection closed before the response was complete; true when we cut it off (R3). */
  onLeave(listener: (isStalled: boolean) => void): void {
    this.#onceClosed(() => {
      if (!this.#isEnding) listener(this.#isStalled);
    });
  }

  /** Told once when the response is done, or its connection gone. */
  #onceClosed(closed: () => void): void {
    onceClosed(this.#request, this.#response, closed);
  }

  /** Commits to a stream. */
  open(): void {
    if (this.#isStream || this.isOver) return;
    this.#isStream = true;
    this.#response.writeHead(200, this.#headers.concat(SSE_HEAD));
    this.#response.comment = EVENT_STREAM_COMMENT;
    this.#response.flushHeaders();
    this.#context.meter.streams++;
    const gate = new DrainGate();
    this.#gate = gate;
    this.#response.on('drain', () => gate.open());
    this.#onceClosed(() => {
      this.#context.meter.streams--;
      gate.open();
    });
    this.#watch();
  }

  /** Writes one event; `data` is text without line ends. @param type its name, where clients want one. */
  event(data: string, eventId?: string, type?: string): void {
    this.open();
    this.#write(eventFrame(data, eventId, type));
  }

  /** Writes an event that clients shall not read together with the one before it. */
  eventApart(data: string, type: string): void {
    this.#apart(() => this.#write(eventFrame(data, undefined, type)), SHARED_EVENT_GAP_MS);
  }

  /** An event without data that only tells the client where to resume, and when. */
  prime(eventId: string, retryMs: number): void {
    this.open();
    this.#write(`id: ${eventId}\nretry: ${retryMs}\ndata: \n\n`);
  }

  /** Ends a stream whose client is to come back. */
  endFor(retryMs: number): void {
    this.#write(`retry: ${retryMs}\n\n`);
    this.end();
  }

  /** Undefined when more may be written; else settles when the reader took everything, or is gone. */
  drained(): Promise<void> | undefined {
    return this.#response.writableNeedDrain ? this.#gate?.opened() : undefined;
  }

  /** Writes the response: as the last event of the stream, or as a JSON document with `status`. */
  last(data: string, status = 200, eventId?: string): void {
    if (this.isOver) return;
    this.#isEnding = true;
    if (!this.#isStream) return this.#document(data, status);
    this.#apart(() => this.#response.end(eventFrame(data, eventId)));
  }

  /** Does what writes an event when the write before it was flushed and is a while ago. */
  #apart(write: () => void, gapMs = LAST_EVENT_GAP_MS): void {
    const sinceLastMs = performance.now() - this.#lastWriteAt;
    if (this.#response.writableLength === 0 && sinceLastMs > gapMs) return write();
    const later = () => setTimeout(write, gapMs);
    const drained = this.drained();
    if (drained) drained.then(later);
    else later();
  }

  /** Ends the stream; a reply that was no stream yet becomes an empty one with `status`. */
  end(status = 202): void {
    if (this.isOver) return;
    this.#isEnding = true;
    if (!this.#isStream) this.#response.writeHead(status, [...this.#headers, 'Content-Length', '0']);
    this.#response.end();
  }

  #document(data: string, status: number): void {
    this.#headers.push('Content-Type', 'application/json');
    const size = sendBody(this.#request, this.#response, status, this.#headers, data);
    if (this.#response.writableLength > 0 || !this.#response.headersSent) this.#watch();
    else this.#context.meter.bytes += size;
  }

  #write(frame: string): void {
    if (this.isOver) return;
    this.#lastWriteAt = performance.now();
    this.#response.write(frame);
  }

  #watch(): void {
    const { socket } = this.#request;
    const { watch, meter } = this.#context;
    const stream: WatchedStream = {
      socket,
      meter,
      beat: () => {
        if (this.#isStream) this.#write(EVENT_STREAM_COMMENT);
      },
      stall: () => {
        this.#isStalled = true;
        this.#response.destroy();
      },
    };
    watch.add(stream);
    this.#onceClosed(() => watch.remove(stream));
  }
}

function eventFrame(data: string, eventId: string | undefined, type?: string): string {
  const id = eventId === undefined ? '' : `id: ${eventId}\n`;
  return `${id}${type === undefined ? '' : `event: ${type}\n`}data: ${data}\n\n`;
}
