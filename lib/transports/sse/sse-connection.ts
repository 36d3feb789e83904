/**
 * better-sse over our own stream: its public `Connection` interface, without what its Node adapter gets wrong on POST.
 *
 * C1. The stock adapter listens to the request's 'close' too, which a POST fires when its body is read: it then
 *     misses the real departure and leaks a timer a call. This one is told by its stream.
 * C2. Nothing of the request reaches it: no URL is built from a Host header, no Last-Event-ID is trusted.
 * C3. Of its request better-sse reads the signal alone; one of each kind serves all streams, since a Request and a
 *     Response of their own would cost each 3 KB and 10 us.
 * C4. Batches are pasted: `pasteEvents` gives better-sse text that is complete already.
 */
import { Connection, EventBuffer, type Session } from 'better-sse';
import type { HttpStream } from '../http/response-stream.ts';

const URL_OF_ANY_STREAM = new URL('http://localhost/');
const REQUEST_OF_ANY_STREAM = new Request(URL_OF_ANY_STREAM);
const RESPONSE_OF_ANY_STREAM = new Response(null);

export class SseConnection extends Connection {
  override readonly url = URL_OF_ANY_STREAM;
  override readonly request: Request;
  override readonly response: Response = RESPONSE_OF_ANY_STREAM;
  readonly #stream: HttpStream;
  readonly #closed = new AbortController();

  constructor(stream: HttpStream) {
    super();
    this.#stream = stream;
    this.request = Object.create(REQUEST_OF_ANY_STREAM, { signal: { value: this.#closed.signal } });
  }

  override sendHead(): void {
    this.#stream.writeHead('text/event-stream');
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
    this.#closed.abort();
  }

  override cleanup(): void {}
}

/** An event buffer whose text was rendered elsewhere. */
class PastedEvents extends EventBuffer {
  text = '';

  override read = (): string => this.text;
}

/** One for all streams: better-sse reads it at once, and each buffer makes a dozen functions of its own. */
const pasted = new PastedEvents();

/** Sends text that is complete events already. */
export function pasteEvents(session: Session, text: string): void {
  pasted.text = text;
  void session.batch(pasted);
  pasted.text = '';
}
