/**
 * A session over HTTP: the era's session, its open streams, and the streams that a client may take up again.
 *
 * S1. Belongs to the key that opened it; to any other key it does not exist.
 * S2. One GET stream at a time; a second one replaces the first, so that a client that lost its line is never locked
 *     out. Messages that belong to no request go there and nowhere else.
 * S3. A session is idle while it has neither a request, a task nor a GET stream open.
 */

import { TransitMap } from '../../../async/transit-map.ts';
import { onceClosed } from '../../http/departure.ts';
import type { GatewayRequest, GatewayResponse } from '../../http/gateway-message.ts';
import { faultText, INVALID_REQUEST, McpFault, malformed } from '../fault.ts';
import type { IncomingMcpMessage, McpRequest } from '../message.ts';
import type { Outlet } from '../outlet.ts';
import type { McpService } from '../service.ts';
import { checkHandshake } from '../sessions/handshake.ts';
import { type HttpRequest, Session } from '../sessions/session.ts';
import { BatchReply } from './batch-reply.ts';
import { EventRing } from './event-ring.ts';
import { HttpOutlet, prefersStream } from './http-outlet.ts';
import { McpReply, type ReplyContext } from './reply.ts';
import type { KeptSession } from './session-table.ts';

export interface HttpSessionOptions {
  readonly service: McpService;
  readonly id: string;
  readonly keyId: string;
  readonly reply: ReplyContext;
  /** How long a client that was cut off may take to come back before its call is cancelled. */
  readonly resumeGraceMs: number;
}

export { checkHandshake };

/** When a client that lost its stream should come back. */
const RETRY_MS = 500;
const STANDALONE = 's';
/** Tools that run for minutes may ask that their clients poll: the stream is closed after so many milliseconds. */
const POLL_AFTER_META = 'io.github.mcp-streaming-gateway/pollAfterMs';

export class HttpSession implements KeptSession {
  readonly id: string;
  readonly keyId: string;
  readonly session: Session;
  readonly #options: HttpSessionOptions;
  readonly #ring = new EventRing();
  readonly #streams = new TransitMap<string, HttpOutlet>();
  #standalone: McpReply | undefined;
  #lastUsed = performance.now();
  #streamCount = 0;
  #hasBegun = false;

  constructor(options: HttpSessionOptions) {
    this.id = options.id;
    this.keyId = options.keyId;
    this.#options = options;
    const caller = { keyId: options.keyId, transport: options.service.transport };
    this.session = new Session(options.service, caller, (text) => this.#tell(text));
  }

  get openStreams(): number {
    return this.#streams.size + (this.#standalone ? 1 : 0);
  }

  /** When anything last happened, by `performance.now()`. */
  get lastUsed(): number {
    return this.#lastUsed;
  }

  /** Whether its first message has come. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** S3 */
  get isIdle(): boolean {
    return this.#hasBegun && this.openStreams === 0 && this.session.tasksRunning === 0;
  }

  /** Whether nothing but its GET stream keeps it from being idle. */
  get onlyListens(): boolean {
    return this.#streams.size === 0 && this.session.tasksRunning === 0 && this.#standalone !== undefined;
  }

  /** Answers what a POST brought. */
  post(
    messages: readonly IncomingMcpMessage[],
    isBatch: boolean,
    request: GatewayRequest,
    response: GatewayResponse,
  ): void {
    this.#hasBegun = true;
    this.#lastUsed = performance.now();
    const reply = new McpReply(request, response, this.#options.reply);
    reply.header('Mcp-Session-Id', this.id);
    const requests = messages.filter((message) => message.kind === 'request');
    const invalid = messages.filter((message) => message.kind === 'invalid');
    for (const message of messages) {
      if (message.kind === 'notification') this.session.notification(message);
      else if (message.kind === 'response') this.session.response(message);
    }
    if (requests.length + invalid.length === 0) return reply.end(202);
    const outlet = this.#openOutlet(reply, requests, prefersStream(request));
    const via = { origin: request.origin, sessionId: this.id };
    if (!isBatch) return this.#serve(requests[0] as McpRequest, outlet, outlet, via);
    const batch = new BatchReply(outlet, requests.length + invalid.length);
    for (const message of invalid) batch.outlet().respond(faultText(message.id, malformed(message)));
    for (const one of requests) this.#serve(one, batch.outlet(), outlet, via);
  }

  #serve(request: McpRequest, outlet: Outlet, http: HttpOutlet, via: HttpRequest): void {
    void this.session.request(request, outlet, via);
    const pollAfterMs = this.#pollAfterMs(request);
    if (pollAfterMs !== undefined && this.#primes) http.detachAfter(pollAfterMs);
  }

  #pollAfterMs({ method, params }: McpRequest): number | undefined {
    if (method !== 'tools/call') return undefined;
    const { dispatcher } = this.#options.service;
    const value = dispatcher.tool(String(params['name']), this.keyId)?.meta?.[POLL_AFTER_META];
    return typeof value === 'number' ? value : undefined;
  }

  get #primes(): boolean {
    return this.session.protocolVersion >= '2025-11-25';
  }

  #openOutlet(reply: McpReply, requests: readonly McpRequest[], prefers: boolean): HttpOutlet {
    const stream = `r${++this.#streamCount}`;
    const outlet = new HttpOutlet(reply, prefers, {
      ring: this.#ring,
      stream,
      retryMs: RETRY_MS,
      graceMs: this.#options.resumeGraceMs,
      primes: this.#primes,
    });
    this.#streams.set(stream, outlet);
    outlet.onEnd(() => {
      this.#streams.delete(stream);
      this.#lastUsed = performance.now();
    });
    outlet.onGone((isStalled) => {
      for (const { id } of requests) this.session.cancel(id, isStalled);
    });
    return outlet;
  }

  /** Opens the GET stream, or takes up the stream of `lastEventId`. @throws {McpFault} for an id of no stream. */
  listen(request: GatewayRequest, response: GatewayResponse, lastEventId: string | undefined): void {
    const reply = new McpReply(request, response, this.#options.reply);
    const from = lastEventId === undefined ? undefined : this.#ring.read(lastEventId);
    if (from === null)
      throw new McpFault(INVALID_REQUEST, 'Last-Event-ID is none of this session', { status: 400 });
    const missed = from ? this.#ring.after(from.stream, from.seq) : [];
    if (from && from.stream !== STANDALONE) {
      const outlet = this.#streams.get(from.stream);
      if (outlet) return outlet.attach(reply, missed);
      reply.open();
      for (const { id, text } of missed) reply.event(text, id);
      return reply.end();
    }
    this.#standalone?.end();
    this.#standalone = reply;
    reply.open();
    if (this.#primes) reply.prime(this.#ring.keep(STANDALONE, ''), RETRY_MS);
    for (const { id, text } of missed) if (text !== '') reply.event(text, id);
    onceClosed(request, response, () => {
      this.#lastUsed = performance.now();
      if (this.#standalone === reply) this.#standalone = undefined;
    });
  }

  #tell(text: string): Promise<void> | undefined {
    const eventId = this.#ring.keep(STANDALONE, text);
    const reply = this.#standalone;
    // A reader that is behind gets the rest when it comes back: the ring keeps it.
    if (!reply) return undefined;
    if (reply.drained()) reply.end();
    else reply.event(text, eventId);
    return reply.drained();
  }

  close(): void {
    this.session.close();
    this.#standalone?.end();
    for (const outlet of this.#streams.values()) outlet.abandon();
  }
}
