/**
 * A call as Server-Sent Events, through a better-sse session on our own connection: one batch per write, heartbeats
 * from the shared watch and not from a timer of the session.
 *
 * K1. A batch has been sent when its promise says so: until then no other is begun, and the answer is not ended.
 */
import { createSession, type Session } from 'better-sse';
import type { TerminalEvent } from '../../call/call-events.ts';
import type { RunningCall } from '../../call/running-call.ts';
import { EVENT_STREAM_COMMENT, type GatewayRequest, type GatewayResponse } from '../http/gateway-message.ts';
import { HttpStream, type HttpStreamContext } from '../http/response-stream.ts';
import type { ChunksEvent, EventSink, ProgressEvent, RestartedEvent } from '../rendering/event-pump.ts';
import { RenderedEvents, SseConnection } from './sse-connection.ts';
import { SseEventWriter } from './sse-events.ts';

const SESSION_OPTIONS = { keepAlive: null, retry: null, trustClientEventId: false };

export class SseSink implements EventSink {
  readonly #stream: HttpStream;
  readonly #events: SseEventWriter;
  #connection: SseConnection | undefined;
  #session: Session | undefined;
  #connecting: Promise<void> | undefined;
  #buffer: RenderedEvents | undefined;
  /** Settles when the batch before is sent and the reader keeps up. */
  #sending: Promise<void> | undefined;

  constructor(
    request: GatewayRequest,
    response: GatewayResponse,
    call: RunningCall,
    context: HttpStreamContext,
  ) {
    this.#events = new SseEventWriter(call.callId);
    this.#stream = new HttpStream(request, response, call, context, {
      beginLate: () => this.begin(),
      closed: () => this.#connection?.abort(),
    });
  }

  started(): void {
    this.begin();
  }

  /** Opens the session and, with it, sends the head. */
  begin(): void {
    if (!this.#stream.begin()) return;
    this.#connection = new SseConnection(this.#stream);
    this.#connecting = createSession(this.#connection, SESSION_OPTIONS)
      .then((session) => {
        this.#session = session;
        this.#stream.heartbeat = EVENT_STREAM_COMMENT;
        this.#connecting = undefined;
      })
      .catch((error) => this.#stream.fail(error));
  }

  progress(event: ProgressEvent): void {
    this.#send(this.#events.progress(event));
  }

  restarted(event: RestartedEvent): void {
    this.#send(this.#events.restarted(event));
  }

  chunks(event: ChunksEvent): void {
    this.#send(this.#events.chunks(event));
  }

  ended(end: TerminalEvent): void {
    if (end.type === 'error') {
      if (end.isMoved) this.begin();
      else if (this.#stream.refuse(end.error)) return;
    }
    if (this.#connecting)
      this.#connecting.then(() => this.#finish(end)).catch((error) => this.#stream.fail(error));
    else this.#finish(end);
  }

  ready(): Promise<void> | undefined {
    return this.#connecting ?? this.#sending ?? this.#stream.ready();
  }

  #finish(end: TerminalEvent): void {
    const finish = () => this.#connection?.end();
    if (this.#session)
      this.#sending = this.#batch(this.#session, this.#events.end(end))
        .then(finish)
        .catch((error) => this.#stream.fail(error));
    else finish();
  }

  #send(text: string): void {
    if (this.#session) this.#sending = this.#batch(this.#session, text).then(this.#onSent);
  }

  /** An event buffer is dear, and one serves all batches (K1). */
  #batch(session: Session, text: string): Promise<void> {
    this.#buffer ??= new RenderedEvents();
    this.#buffer.text = text;
    return session.batch(this.#buffer);
  }

  readonly #onSent = (): Promise<void> | undefined => {
    this.#sending = undefined;
    if (this.#buffer) this.#buffer.text = ''; // a stream may be silent for long, and its last batch large
    return this.#stream.ready();
  };
}
