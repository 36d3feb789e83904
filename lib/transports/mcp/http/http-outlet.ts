/**
 * The outlet of a request that came by HTTP: its response and, where the session can resume streams, the responses
 * that follow it.
 *
 * H1. Without a ring the client that leaves is gone at once. With one, a client that was sent an event id may come
 *     back within `graceMs`; meanwhile `ready` waits, so the tool is held and nothing is lost but by eviction.
 * H2. `onGone` is told once, never after the response.
 */
import type { GatewayRequest } from '../../http/gateway-message.ts';
import { negotiate } from '../../http/negotiation.ts';
import type { McpFault } from '../fault.ts';
import type { Again, Outlet, ToldSoFar } from '../outlet.ts';
import type { EventRing } from './event-ring.ts';
import type { McpReply } from './reply.ts';
import { OVER, placeText } from './stream-place.ts';

/** What makes a stream resumable. */
export interface Resumption {
  readonly ring: EventRing;
  /** Name of this stream in event ids. */
  readonly stream: string;
  readonly retryMs: number;
  readonly graceMs: number;
  /** Whether the first event is an empty one with an id (clients of 2025-11-25). */
  readonly primes: boolean;
  /** Absent: the stream is not gone on with elsewhere. */
  readonly elsewhere?: Elsewhere | undefined;
}

/** What lets another gateway go on with a stream. */
export interface Elsewhere {
  /** What the client has of the call, where it began elsewhere itself. */
  readonly told?: ToldSoFar;
  /** Makes the call known that answers. */
  named(callId: string): void;
}

const SUCCESS = { status: 200, headers: [] };

export class HttpOutlet implements Outlet {
  readonly #resumption: Resumption | undefined;
  readonly #prefersStream: boolean;
  #reply: McpReply | undefined;
  #isDone = false;
  #callId: string | undefined;
  #told: ToldSoFar | undefined;
  #onGone: ((isStalled: boolean) => void) | undefined;
  #onEnd: (() => void) | undefined;
  #comeback: { promise: Promise<void>; resolve: () => void } | undefined;
  #grace: NodeJS.Timeout | undefined;
  #poll: NodeJS.Timeout | undefined;

  /** @param prefersStream whether the client would rather read a stream than a document. */
  constructor(reply: McpReply, prefersStream: boolean, resumption?: Resumption) {
    this.#prefersStream = prefersStream;
    this.#resumption = resumption;
    this.#told = resumption?.elsewhere?.told;
    this.#take(reply);
  }

  /** Told when the client has left for good before the response. */
  onGone(listener: (isStalled: boolean) => void): void {
    this.#onGone = listener;
  }

  /** Told when the response was written, or the client is gone. */
  onEnd(listener: () => void): void {
    this.#onEnd = listener;
  }

  named(callId: string, headers: readonly string[]): void {
    this.#callId = callId;
    this.#resumption?.elsewhere?.named(callId);
    this.#addHeaders(['X-Call-Id', callId, ...headers]);
  }

  open(): void {
    const reply = this.#reply;
    if (!reply || reply.isStream) return;
    reply.open();
    if (this.#resumption?.primes) this.#prime(reply);
  }

  send(text: string, again?: Again, told?: ToldSoFar): void {
    if (this.#isDone) return;
    this.open();
    if (told) this.#told = told;
    // Also while the client is away: what waited for its moment comes then.
    const eventId = this.#keep(text, again);
    this.#reply?.event(text, eventId);
  }

  ready(): Promise<void> | undefined {
    return this.#comeback ? this.#comeback.promise : this.#reply?.drained();
  }

  respond(text: string, fault?: McpFault, again?: Again): void {
    if (this.#isDone) return;
    const { status, headers } = fault ?? SUCCESS;
    if (fault && status >= 400 && this.#callId === undefined) this.#reply?.refused(fault);
    if (this.#prefersStream && status === 200) this.open();
    const eventId = this.#reply?.isStream === false ? undefined : this.#keep(text, again, OVER);
    this.#addHeaders(headers);
    this.#reply?.last(text, status, eventId);
    this.#finish();
  }

  abandon(): void {
    if (this.#isDone) return;
    this.#reply?.open(); // a stream may end without a response; no document says that there is none
    this.#reply?.end();
    this.#finish();
  }

  /** Goes on with a client that came back, after what it missed. */
  attach(reply: McpReply, missed: readonly { readonly id: string; readonly text: string }[]): void {
    const before = this.#reply;
    this.#reply = undefined;
    before?.end();
    clearTimeout(this.#grace);
    reply.open();
    for (const { id, text } of missed) reply.event(text, id);
    this.#take(reply);
    this.#comeback?.resolve();
    this.#comeback = undefined;
  }

  /** Ends the response after a while, so that the client polls; the request goes on and waits for it. */
  detachAfter(ms: number): void {
    this.open();
    clearTimeout(this.#poll);
    if (!this.#isDone) this.#poll = setTimeout(() => this.#detach(), ms);
  }

  #addHeaders(headers: readonly string[]): void {
    for (let at = 0; at < headers.length; at += 2)
      this.#reply?.header(String(headers[at]), String(headers[at + 1]));
  }

  #detach(): void {
    const reply = this.#reply;
    if (this.#isDone || !reply?.isStream || !this.#resumption) return;
    this.#lose(false);
    reply.end();
  }

  #take(reply: McpReply): void {
    this.#reply = reply;
    reply.onLeave((isStalled) => {
      if (this.#reply === reply) this.#lose(isStalled);
    });
  }

  #lose(isStalled: boolean): void {
    const canResume = this.#resumption !== undefined && this.#reply?.isStream === true && !isStalled;
    this.#reply = undefined;
    if (this.#isDone) return;
    if (!canResume) return this.#giveUp(isStalled);
    let resolve = () => {};
    const promise = new Promise<void>((settle) => {
      resolve = settle;
    });
    this.#comeback = { promise, resolve };
    this.#grace = setTimeout(() => this.#giveUp(false), this.#resumption?.graceMs);
  }

  #giveUp(isStalled: boolean): void {
    const onGone = this.#onGone;
    this.#finish();
    onGone?.(isStalled);
  }

  #finish(): void {
    this.#isDone = true;
    clearTimeout(this.#grace);
    clearTimeout(this.#poll);
    this.#comeback?.resolve();
    this.#comeback = undefined;
    this.#onGone = undefined;
    const onEnd = this.#onEnd;
    this.#onEnd = undefined;
    onEnd?.();
  }

  #keep(
    text: string,
    again?: Again,
    told: ToldSoFar | typeof OVER | undefined = this.#told,
  ): string | undefined {
    if (!this.#resumption) return undefined;
    const { ring, stream, elsewhere } = this.#resumption;
    return ring.keep(stream, text, again, elsewhere && placeText(this.#callId, told));
  }

  #prime(reply: McpReply): void {
    if (this.#resumption) reply.prime(this.#keep('') ?? '', this.#resumption.retryMs);
  }
}

const DOCUMENT = { mediaType: 'application/json' };
const STREAM = { mediaType: 'text/event-stream' };

/**
 * A client that likes event streams better gets its answer as one even when there is nothing to stream; where it likes
 * both the same, the one that it lists first.
 */
export function prefersStream({ headers: { accept } }: GatewayRequest): boolean {
  const listsStreamFirst = accept?.trimStart().toLowerCase().startsWith(STREAM.mediaType) ?? false;
  return negotiate(accept, listsStreamFirst ? [STREAM, DOCUMENT] : [DOCUMENT, STREAM]) === STREAM;
}
