/**
 * A session over HTTP: the era's session, its open streams, and the streams that a client may take up again.
 *
 * S1. Belongs to the key that opened it; to any other key it does not exist.
 * S2. One GET stream at a time; a second one replaces the first, so that a client that lost its line is never locked
 *     out. Messages that belong to no request go there and nowhere else.
 * S3. A session is idle while it has neither a request, a task nor a GET stream open.
 */

import { TransitMap } from '../../../async/transit-map.ts';
import { ToolError } from '../../../call/tool-error.ts';
import { onceClosed } from '../../http/departure.ts';
import type { GatewayRequest, GatewayResponse } from '../../http/gateway-message.ts';
import { faultText, INVALID_REQUEST, McpFault, malformed } from '../fault.ts';
import {
  type IncomingMcpMessage,
  isMessageId,
  type McpNotification,
  type McpRequest,
  type McpResponse,
  metaOf,
} from '../message.ts';
import type { Outlet, ToldSoFar } from '../outlet.ts';
import type { McpService } from '../service.ts';
import { checkHandshake } from '../sessions/handshake.ts';
import { type BegunRequest, type HttpRequest, Session } from '../sessions/session.ts';
import { BatchReply } from './batch-reply.ts';
import { EventRing } from './event-ring.ts';
import { HttpOutlet, prefersStream } from './http-outlet.ts';
import { placeIn, type Relay } from './relay.ts';
import { McpReply, type ReplyContext } from './reply.ts';
import type { KeptSession } from './session-table.ts';
import type { SessionRecord, SharedSessions } from './shared-sessions.ts';
import { OVER, readPlace, type StreamPlace } from './stream-place.ts';

export interface HttpSessionOptions {
  readonly service: McpService;
  readonly id: string;
  readonly keyId: string;
  readonly reply: ReplyContext;
  /** How long a client that was cut off may take to come back before its call is cancelled. */
  readonly resumeGraceMs: number;
  /** Hands on what another gateway has. */
  readonly relay?: Relay | undefined;
  /** Where other gateways serve the same session. */
  readonly shared?: SharedSessions | undefined;
}

export { checkHandshake };

/** When a client that lost its stream should come back. */
const RETRY_MS = 500;
const STANDALONE = 's';
const TASK_METHODS = new Set(['tasks/get', 'tasks/result', 'tasks/cancel']);
/** Tools that run for minutes may ask that their clients poll: the stream is closed after so many milliseconds. */
const POLL_AFTER_META = 'io.github.mcp-streaming-gateway/pollAfterMs';

/** What another gateway needs to answer the request: of a call that it streams. */
function begunRequest(request: Pick<McpRequest, 'id' | 'params'> | undefined): BegunRequest | undefined {
  const { progressToken, partialResultToken } = metaOf(request?.params ?? {});
  const isGood = typeof progressToken === 'string' || typeof progressToken === 'number';
  if (!request || !isGood || partialResultToken !== undefined) return undefined;
  return { requestId: request.id, progressToken };
}

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
  /** The gateway where the client listens, or has listened last. */
  #listener: string | undefined;

  constructor(options: HttpSessionOptions) {
    this.id = options.id;
    this.keyId = options.keyId;
    this.#options = options;
    const caller = { keyId: options.keyId, transport: options.service.transport };
    const { shared, id } = options;
    this.#listener = shared?.place;
    const share = shared && {
      place: shared.place,
      setLevel: (level: string) => shared.setLevel(id, level),
      watches: (uri: string, isOn: boolean) => shared.watches(id, uri, isOn),
    };
    this.session = new Session(options.service, caller, (text, isNews) => this.#tell(text, isNews), share);
  }

  /** Takes on what other gateways were told. */
  adopt(record: SessionRecord): void {
    this.#hasBegun = true;
    this.#lastUsed = performance.now();
    this.session.adopt(record);
    this.listensAt(record.listener);
  }

  /** The client listens at that gateway from now on. */
  listensAt(place: string): void {
    this.#listener = place;
    if (place === this.#options.shared?.place) return;
    this.#standalone?.end();
    this.#standalone = undefined;
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
      if (message.kind === 'notification') this.#heed(message);
      else if (message.kind === 'response') this.#answer(message);
    }
    if (requests.length + invalid.length === 0) return reply.end(202);
    const outlet = this.#openOutlet(reply, requests, prefersStream(request));
    const comesBack = this.#options.shared !== undefined && this.#primes;
    const via = { origin: request.origin, sessionId: this.id, comesBack };
    if (!isBatch) return this.#serve(requests[0] as McpRequest, outlet, outlet, via);
    const batch = new BatchReply(outlet, requests.length + invalid.length);
    for (const message of invalid) batch.outlet().respond(faultText(message.id, malformed(message)));
    for (const one of requests) this.#serve(one, batch.outlet(), outlet, via);
  }

  /** What is cancelled may run on another gateway. */
  #heed(message: McpNotification): void {
    this.session.notification(message);
    const { shared } = this.#options;
    const { requestId } = message.params;
    if (!shared || message.method !== 'notifications/cancelled' || !isMessageId(requestId)) return;
    if (!this.session.has(requestId)) shared.cancel(this.id, requestId).catch(() => undefined);
  }

  /** The tool that asked may run on another gateway. */
  #answer(message: McpResponse): void {
    const { shared } = this.#options;
    const [place = '', number] = String(message.id).split('.');
    if (!shared || number === undefined || place === shared.place) this.session.response(message);
    else shared.answer(this.id, place, message).catch(() => undefined);
  }

  #serve(request: McpRequest, outlet: Outlet, http: HttpOutlet, via: HttpRequest): void {
    const { relay } = this.#options;
    if (relay && TASK_METHODS.has(request.method)) void this.#relayed(relay, request, outlet, http, via);
    else void this.session.request(request, outlet, via);
    const pollAfterMs = this.#pollAfterMs(request);
    if (pollAfterMs !== undefined && this.#primes) http.detachAfter(pollAfterMs);
  }

  /** A task is where its call was made (R1 of relay.ts). */
  async #relayed(
    relay: Relay,
    message: McpRequest,
    outlet: Outlet,
    http: HttpOutlet,
    via: HttpRequest,
  ): Promise<void> {
    const { id, keyId } = this;
    const onGone = (listener: (isStalled: boolean) => void) => http.onGone(listener);
    const where = { id: message.id, outlet, onGone };
    try {
      const request = { keyId, session: id, message };
      if (await relay.ask(placeIn(message.params['taskId']), 'task', request, where)) return;
    } catch (thrown) {
      return void this.#options.service.fail(thrown, message, outlet);
    }
    await this.session.request(message, outlet, via);
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

  /** @param told what the client has of the call, where another gateway has begun it. */
  #openOutlet(
    reply: McpReply,
    requests: readonly Pick<McpRequest, 'id' | 'params'>[],
    prefers: boolean,
    told?: ToldSoFar,
  ): HttpOutlet {
    const { shared } = this.#options;
    const stream = `${shared ? `${shared.place}.` : ''}r${++this.#streamCount}`;
    const begun = requests.length === 1 ? begunRequest(requests[0]) : undefined;
    const outlet = new HttpOutlet(reply, prefers, {
      ring: this.#ring,
      stream,
      retryMs: RETRY_MS,
      graceMs: this.#options.resumeGraceMs,
      primes: this.#primes,
      elsewhere: shared &&
        begun && {
          ...(told ? { told } : {}),
          named: (callId) => void shared.begun(this.id, callId, begun).catch(() => undefined),
        },
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
  listen(
    request: GatewayRequest,
    response: GatewayResponse,
    lastEventId: string | undefined,
  ): void | Promise<void> {
    const { shared } = this.#options;
    const left = shared && lastEventId !== undefined ? readPlace(lastEventId) : undefined;
    // One whose client was away for too long is no longer open: its call says how it ended.
    if (shared && left && !this.#streams.has(left.stream)) return this.#goOn(shared, left, request, response);
    const [, entry] = /^s_(\d+-\d+)$/.exec(lastEventId ?? '') ?? [];
    if (shared && (lastEventId === undefined || entry !== undefined))
      return this.#listenShared(shared, request, response, entry);
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

  /** Goes on with the stream of a request that another gateway has begun. */
  async #goOn(
    shared: SharedSessions,
    { place, stream, callId, told }: StreamPlace,
    request: GatewayRequest,
    response: GatewayResponse,
  ): Promise<void> {
    const begun = await shared.requestOf(this.id, callId);
    if (!begun) throw new McpFault(INVALID_REQUEST, 'Last-Event-ID is none of this session', { status: 400 });
    const reply = new McpReply(request, response, this.#options.reply);
    if (told === OVER) {
      reply.open();
      return reply.end();
    }
    // What is told there from now on must not look like an answer.
    if (place !== shared.place) await shared.leaves(this.id, place, stream);
    const { dispatcher } = this.#options.service;
    const call = await dispatcher
      .resume({ callId, keyId: this.keyId, after: told.seq })
      .catch((thrown: unknown) => {
        if (!ToolError.is(thrown) || thrown.status === 503) throw thrown;
        throw new McpFault(INVALID_REQUEST, thrown.message, { status: 400 }); // 404 would end the session
      });
    const { requestId, progressToken } = begun;
    const asked = { id: requestId, params: { _meta: { progressToken } } };
    const outlet = this.#openOutlet(reply, [asked], true, told);
    outlet.named(callId, []);
    outlet.open();
    void this.session.goOn(begun, call, told, outlet);
  }

  /** The client goes on with the stream of a request at another gateway. */
  left(stream: string): void {
    this.#streams.get(stream)?.abandon();
  }

  async #listenShared(
    shared: SharedSessions,
    request: GatewayRequest,
    response: GatewayResponse,
    after: string | undefined,
  ): Promise<void> {
    this.listensAt(shared.place);
    const missed = await shared.listens(this.id, after);
    const reply = new McpReply(request, response, this.#options.reply);
    this.#standalone?.end();
    this.#standalone = reply;
    reply.open();
    const isNew = after === undefined && this.#primes;
    if (isNew) reply.prime(`s_${await shared.say(this.id, '', shared.place)}`, RETRY_MS);
    for (const { id, text } of missed) if (text !== '') reply.event(text, `s_${id}`);
    onceClosed(request, response, () => {
      this.#lastUsed = performance.now();
      if (this.#standalone === reply) this.#standalone = undefined;
    });
  }

  /** A message for the GET stream that another gateway has kept. */
  said(entry: string, text: string): void {
    this.#write(text, `s_${entry}`);
  }

  #tell(text: string, isNews = false): Promise<void> | undefined {
    const { shared } = this.#options;
    if (shared) return this.#tellShared(shared, text, isNews);
    return this.#write(text, this.#ring.keep(STANDALONE, text));
  }

  #tellShared(shared: SharedSessions, text: string, isNews: boolean): Promise<void> | undefined {
    const listener = this.#listener ?? shared.place;
    const isHere = listener === shared.place;
    // Where the client listens they hear of it too, and tell it.
    if (isNews && !isHere) return undefined;
    shared
      .say(this.id, text, listener)
      .then((entry) => void (isHere && this.#write(text, `s_${entry}`)))
      .catch(() => void (isHere && this.#write(text, undefined)));
    return isHere ? this.#standalone?.drained() : undefined;
  }

  #write(text: string, eventId: string | undefined): Promise<void> | undefined {
    const reply = this.#standalone;
    // A reader that is behind gets the rest when it comes back: the ring keeps it.
    if (!reply) return undefined;
    if (reply.drained()) reply.end();
    else reply.event(text, eventId);
    return reply.drained();
  }

  /** The gateway goes: the client is better off at another. */
  sendAway(): void {
    this.#standalone?.endFor(RETRY_MS);
    this.#standalone = undefined;
  }

  close(): void {
    this.session.close();
    this.#standalone?.end();
    for (const outlet of this.#streams.values()) outlet.abandon();
  }
}
