/**
 * The request and response classes of the HTTP server. Express is put below them elsewhere (express-messages.ts), since
 * these are public types and Express's are not.
 *
 * G1. `upgrade` is true for WebSocket alone. With an upgrade listener Node would hand over every request that
 *     offers an upgrade, and Java's HTTP client offers h2c with each of its first requests. What HTTP/1.0 offers is
 *     ignored (RFC 9110, 7.8).
 * G2. Headers common to all answers live in fields until `writeHead`, since `setHeader` slows every response.
 * G3. Who reads a body whole takes its parts from Node's parser, past the stream: to begin, to flow, to end and to be
 *     destroyed, each in a tick of its own, takes a stream longer than all else that is done for a small body. What the
 *     parser has found before that is in the stream, and so is the rest then.
 */
import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { Ticket } from '../../access/tickets.ts';
import type { RequestOrigin } from '../../call/running-call.ts';
import { readTrace } from '../../call/trace-context.ts';

const NO_HEADERS: readonly string[] = [];

/** Who takes the body of a request as the parser finds it. Ends with `end` or `cut`; neither comes twice. */
export interface BodyTaker {
  part(bytes: Buffer): void;
  end(): void;
  /** The connection is gone before the end. */
  cut(): void;
}

export class GatewayRequest extends IncomingMessage {
  /** The client's X-Request-Id, or ours. */
  requestId = '';
  /** Where the client is, as far as proxies that are trusted tell. */
  address = '';
  /** Who calls; empty on routes that need no key. */
  keyId = '';
  /** Headers of every answer to the call that the request has made, names and values in turn. */
  callHeaders: readonly string[] = NO_HEADERS;
  /** Told when the request is refused before it has become a call. */
  onRefused: ((request: GatewayRequest, code: string, status: number, reason: string) => void) | undefined =
    undefined;
  /** The ticket that the request came with, on routes that take one. */
  ticket: Ticket | undefined = undefined;
  /** Set when the request comes from a page of CORS_ORIGINS. */
  corsOrigin: string | undefined = undefined;
  /** True while the client waits for `100 Continue` before it sends its body. */
  awaitsContinue = false;
  /** Path parameters, set by the router. */
  declare params: Readonly<Record<string, string>>;
  declare private offersUpgrade: boolean | null;
  #taker: BodyTaker | undefined = undefined;
  /** Some of the body is in the stream. */
  #hasCome = false;
  /** It was taken to its end. */
  #isTaken = false;

  static {
    const { get: hasStreamEnded } =
      Object.getOwnPropertyDescriptor(Readable.prototype, 'readableEnded') ?? {};
    // Until this is true Node keeps a request for its connection. To TypeScript it is a property, which no getter overrides.
    Object.defineProperty(GatewayRequest.prototype, 'readableEnded', {
      configurable: true,
      get(this: GatewayRequest): boolean {
        return this.#isTaken || Reflect.apply(hasStreamEnded as () => boolean, this, []);
      },
    });
  }

  /** @returns false where the stream has to be read instead: some of the body has come, or nothing more will (G3). */
  takeBody(taker: BodyTaker): boolean {
    if (this.#hasCome || this.destroyed) return false;
    this.#taker = taker;
    this._read(0); // else Node throws away what nobody seems to read
    return true;
  }

  /** What Node's parser calls with each part of the body, and with null at its end. */
  override push(part: Buffer | null, encoding?: BufferEncoding): boolean {
    const taker = this.#taker;
    if (taker === undefined) {
      this.#hasCome = true;
      return super.push(part, encoding);
    }
    if (part !== null) taker.part(part);
    else {
      this.#taker = undefined;
      this.#isTaken = true;
      taker.end();
    }
    return true;
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#taker?.cut();
    this.#taker = undefined;
    super._destroy(this.#isTaken ? null : error, callback); // what was read to its end did not fail
  }

  /** Node sets this and reads it back before it emits 'upgrade'. */
  get upgrade(): boolean {
    if (!this.offersUpgrade) return false;
    return this.method === 'CONNECT' || offersWebSocket(this);
  }

  set upgrade(offered: boolean | null) {
    this.offersUpgrade = offered;
  }

  /** The request as the log, and traces, know it. */
  get origin(): RequestOrigin {
    return { requestId: this.requestId, address: this.address, trace: readTrace(this.headers) };
  }

  /** The path without its query, which may hold a key. */
  get pathOnly(): string {
    const url = this.url ?? '/';
    const query = url.indexOf('?');
    return query < 0 ? url : url.slice(0, query);
  }
}

/** Whether a request asks for a WebSocket in place of an answer. */
export const offersWebSocket = ({ headers, httpVersion }: IncomingMessage): boolean =>
  headers.upgrade?.toLowerCase() === 'websocket' && httpVersion !== '1.0';

export class GatewayResponse extends ServerResponse<GatewayRequest> {
  constructor(...made: ConstructorParameters<typeof ServerResponse<GatewayRequest>>) {
    super(...made);
    // Node.js trusts a TE header with that; such a client knows no chunks all the same (RFC 9112, 6.1).
    if (made[0].httpVersion === '1.0') this.useChunkedEncodingByDefault = false;
  }

  /** What may be written into the answer at any time and means nothing to who reads it; empty: nothing may. */
  comment = '';
}

/** The comment of a stream of server-sent events. */
export const EVENT_STREAM_COMMENT = ':\n\n';

/** What Node keeps on a connection's socket: the answer whose turn it is. */
export type HttpSocket = Socket & { readonly _httpMessage?: GatewayResponse | null };
