/**
 * Requests to one HTTP server: nothing of a caller's headers, no redirect followed, and a response that is read as fast
 * as its reader reads.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface Exchange {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  response(response: IncomingMessage): void;
  /** Nothing of an answer came. */
  failed(reason: string): void;
}

export class HttpClient {
  readonly #plain = new HttpAgent({ keepAlive: true });
  readonly #secure = new HttpsAgent({ keepAlive: true });

  /** @returns what breaks it off. */
  send({ method, url, headers, body, response, failed }: Exchange): () => void {
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
        failed(`redirects to ${incoming.headers.location ?? 'elsewhere'}; redirects are not followed`);
      },
    );
    request.on('error', (error: NodeJS.ErrnoException) =>
      failed(`cannot be reached (${error.code ?? error.message})`),
    );
    request.end(body);
    return () => request.destroy();
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
