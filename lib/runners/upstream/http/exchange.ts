/**
 * Requests to one HTTP server: nothing of a caller's headers, no redirect followed, and a response that is read as fast
 * as its reader reads.
 *
 * E1. A connection that has been idle is used again only for a moment: servers close theirs after some seconds, and what
 *     is sent just then is lost. What may be sent twice is, once, where that has happened all the same.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface Exchange {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whether it does no harm where the server gets it twice. */
  readonly isRepeatable?: boolean;
  response(response: IncomingMessage): void;
  /** Nothing of an answer came. @param isUnsent whether the server has certainly not seen it. */
  failed(reason: string, isUnsent: boolean): void;
}

const IDLE_MS = 2000;
const RESETS = new Set(['ECONNRESET', 'EPIPE']);

export class HttpClient {
  readonly #plain = new HttpAgent({ keepAlive: true, timeout: IDLE_MS });
  readonly #secure = new HttpsAgent({ keepAlive: true, timeout: IDLE_MS });

  /** @returns what breaks it off. */
  send(exchange: Exchange): () => void {
    const { method, url, headers, body, isRepeatable, response, failed } = exchange;
    let breakOff = (): void => {
      request.destroy();
    };
    let isConnected = false;
    const isSecure = url.startsWith('https:');
    const request = (isSecure ? httpsRequest : httpRequest)(
      url,
      {
        method,
        agent: isSecure ? this.#secure : this.#plain,
        headers: {
          ...headers,
          ...(body === undefined
            ? {}
            : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }),
        },
      },
      (incoming) => {
        const { statusCode = 0 } = incoming;
        if (statusCode < 300 || statusCode >= 400) return response(incoming);
        incoming.resume();
        failed(`redirects to ${incoming.headers.location ?? 'elsewhere'}; redirects are not followed`, true);
      },
    );
    request.once('socket', (socket) => {
      isConnected = !socket.connecting;
      socket.once('connect', () => {
        isConnected = true;
      });
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (request.reusedSocket && isRepeatable && RESETS.has(error.code ?? ''))
        breakOff = this.send({ ...exchange, isRepeatable: false });
      else failed(`cannot be reached (${error.code ?? error.message})`, !isConnected);
    });
    request.end(body);
    return () => breakOff();
  }

  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }
}

/** Reads a response to its end. @param done given null where it is longer than the limit, or breaks off. */
export function readText(
  response: IncomingMessage,
  maxBytes: number,
  done: (text: string | null) => void,
): void {
  const parts: Buffer[] = [];
  let size = 0;
  let isDone = false;
  const end = (text: string | null) => {
    if (isDone) return;
    isDone = true;
    done(text);
  };
  response.on('data', (part: Buffer) => {
    size += part.length;
    if (size <= maxBytes) parts.push(part);
    else {
      end(null);
      response.destroy();
    }
  });
  response.on('end', () => end(Buffer.concat(parts).toString()));
  response.on('error', () => end(null));
  response.on('close', () => end(null));
}
