/**
 * A call as Server-Sent Events, through a better-sse session on our own connection.
 *
 * E1. The head is sent when the tool has started, or after a second of waiting: until then an error is still an
 *     HTTP status of its own.
 * E2. One write per batch; heartbeats come from the shared watch, not from a timer of the session.
 */
import { createSession, type Session } from 'better-sse';
import type { RunningCall, TerminalEvent } from '../tool/runner.ts';
import type { ChunksEvent, EventSink, ProgressEvent } from './event-pump.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import { commonHeaders, respondProblem } from './http-response.ts';
import { HttpStream, type StreamContext } from './http-stream.ts';
import { PastedEvents, SSE_HEADERS, SseConnection } from './sse-connection.ts';
import { SSE_HEARTBEAT, SseEventWriter } from './sse-events.ts';

export class SseSink implements EventSink {
  readonly #request: GatewayRequest;
  readonly #response: GatewayResponse;
  readonly #callId: string;
  readonly #stream: HttpStream;
  readonly #events: SseEventWriter;
  readonly #batch = new PastedEvents();
  readonly #headTimer: NodeJS.Timeout;
  #connection: SseConnection | undefined;
  #session: Session | undefined;
  #connecting: Promise<void> | undefined;

  constructor(
    request: GatewayRequest,
    response: GatewayResponse,
    call: RunningCall,
    context: StreamContext & { readonly headDelayMs: number },
  ) {
    this.#request = request;
    this.#response = response;
    this.#callId = call.callId;
    this.#stream = new HttpStream(request, response, call, context);
    this.#events = new SseEventWriter(call.callId);
    this.#headTimer = setTimeout(() => this.started(), context.headDelayMs);
  }

  /** Opens the session and, with it, sends the head. */
  started(): void {
    clearTimeout(this.#headTimer);
    if (this.#connection || !this.#stream.isOpen) return;
    const headers = commonHeaders(this.#request);
    headers.push('X-Call-Id', this.#callId, 'Vary', 'Accept', ...SSE_HEADERS);
    this.#connection = new SseConnection(this.#stream, headers);
    const options = { keepAlive: null, retry: null, trustClientEventId: false };
    this.#connecting = createSession(this.#connection, options).then((session) => {
      this.#session = session;
      this.#stream.heartbeat = SSE_HEARTBEAT;
      this.#connecting = undefined;
    });
  }

  progress(event: ProgressEvent): void {
    this.#send(this.#events.progress(event));
  }

  chunks(event: ChunksEvent): void {
    this.#send(this.#events.chunks(event));
  }

  ended(end: TerminalEvent): void {
    clearTimeout(this.#headTimer);
    if (!this.#connection && end.type === 'error') {
      respondProblem(this.#request, this.#response, end.error, { callId: this.#callId });
      return;
    }
    this.started();
    if (this.#connecting) this.#connecting.then(() => this.#finish(end));
    else this.#finish(end);
  }

  ready(): Promise<void> | undefined {
    return this.#connecting ?? this.#stream.ready();
  }

  #finish(end: TerminalEvent): void {
    this.#send(this.#events.end(end));
    this.#connection?.end();
  }

  #send(text: string): void {
    this.#batch.text = text;
    this.#session?.batch(this.#batch);
  }
}
