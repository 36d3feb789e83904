/**
 * better-sse over our own stream: its public `Connection` interface, without what its Node adapter gets wrong on POST.
 *
 * C1. The stock adapter listens to the request's 'close' too, which a POST fires when its body is read: it then
 *     misses the real departure and leaks a timer a call. This one ends with the response.
 * C2. Nothing of the request reaches it: no URL is built from a Host header, no Last-Event-ID is trusted.
 * C3. Batches are pasted: `PastedEvents` gives better-sse text that is complete already.
 */
import { Connection, EventBuffer } from 'better-sse';
import type { HttpStream } from './http-stream.ts';

const URL_OF_ANY_STREAM = new URL('http://localhost/');

export const SSE_HEADERS = [
  'Content-Type',
  'text/event-stream',
  'Cache-Control',
  'no-store, no-cache, no-transform',
  'X-Accel-Buffering',
  'no',
];

export class SseConnection extends Connection {
  override readonly url = URL_OF_ANY_STREAM;
  override readonly request: Request;
  override readonly response: Response;
  readonly #stream: HttpStream;
  readonly #headers: string[];
  readonly #closed = new AbortController();

  constructor(stream: HttpStream, headers: string[]) {
    super();
    this.#stream = stream;
    this.#headers = headers;
    this.request = new Request(URL_OF_ANY_STREAM, { signal: this.#closed.signal });
    this.response = new Response(null, { status: 200 });
    stream.socket.once('close', this.#abort);
  }

  override sendHead(): void {
    this.#stream.writeHead(this.#headers);
  }

  override sendChunk(chunk: string): void {
    this.#stream.write(chunk);
  }

  /** Ends the session first and the answer second, so that better-sse writes nothing after the end. */
  end(): void {
    this.#abort();
    this.#stream.end();
  }

  override cleanup(): void {
    this.#stream.socket.off('close', this.#abort);
  }

  readonly #abort = (): void => this.#closed.abort();
}

/** An event buffer whose text was rendered elsewhere. */
export class PastedEvents extends EventBuffer {
  text = '';

  override read = (): string => this.text;
}
