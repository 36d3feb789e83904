/**
 * better-sse over our own stream: its public `Connection` interface, without what its Node adapter gets wrong on POST.
 *
 * C1. The stock adapter listens to the request's 'close' too, which a POST fires when its body is read: it then
 *     misses the real departure and leaks a timer a call. This one is told by its stream.
 * C2. Nothing of the client's request reaches better-sse: no URL is built from a Host header, no Last-Event-ID is
 *     trusted, no `padding` in a query writes into the stream.
 * C3. Every stream has objects of its own, and nothing of them is faked; what better-sse may never ask for is made
 *     when it does.
 */
import { Connection, EventBuffer } from 'better-sse';
import { EVENT_STREAM_COMMENT } from '../http/gateway-message.ts';
import { EVENT_STREAM_TYPE, type HttpStream } from '../http/response-stream.ts';

/** Better-sse looks for switches in its query; there are none. */
const URL_OF_EVERY_STREAM = new URL('http://localhost/');

/** Without a reason each `abort` would make a DOMException with its stack, which costs more than many a call. */
const ENDED = 'the stream has ended';

/**
 * What the documentation of `Connection#request` asks for, which is all that better-sse takes from it. A `Request` of
 * Node's own would cost 2 KiB and some 20 µs more a stream (docs/decisions/2026-11-27-better-sse.md).
 */
class StreamRequest implements Pick<Request, 'url' | 'method' | 'headers' | 'signal'> {
  readonly signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  get url(): string {
    return URL_OF_EVERY_STREAM.href;
  }

  get method(): string {
    return 'POST';
  }

  get headers(): Headers {
    return new Headers();
  }
}

export class SseConnection extends Connection {
  override readonly url = URL_OF_EVERY_STREAM;
  override readonly request: Request;
  readonly #stream: HttpStream;
  readonly #closed = new AbortController();

  constructor(stream: HttpStream) {
    super();
    this.#stream = stream;
    this.request = new StreamRequest(this.#closed.signal) as Partial<Request> as Request;
  }

  /** Says what `sendHead` sends, in better-sse's words; the head itself is the stream's. */
  override get response(): Response {
    return new Response(null, { headers: { 'Content-Type': EVENT_STREAM_TYPE } });
  }

  override sendHead(): void {
    this.#stream.writeHead(EVENT_STREAM_TYPE, EVENT_STREAM_COMMENT);
  }

  override sendChunk(chunk: string): void {
    this.#stream.write(chunk);
  }

  /** Ends the session first and the answer second, so that better-sse writes nothing after the end. */
  end(): void {
    this.abort();
    this.#stream.end();
  }

  /** Ends the session of a stream that is closed. */
  abort(): void {
    this.#closed.abort(ENDED);
  }

  override cleanup(): void {}
}

/** Events that were rendered elsewhere, as an event buffer: its contents are the text, its methods are not used. */
export class RenderedEvents extends EventBuffer {
  text = '';
  override readonly read = (): string => this.text;
}
