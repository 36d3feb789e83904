/**
 * The sessions of a fleet's clients: what any gateway needs to go on with one that another has opened.
 *
 * S1. A session is no gateway's. Each that gets a request of it makes its own of what the client said at the start, and
 *     reads with every request what has changed since; one that was ended is gone everywhere from then on.
 * S2. What belongs to no request goes through one log a session, whose newest entries are kept, to the gateway where the
 *     client listens, or has listened last.
 * S3. To a key that did not open it a session does not exist.
 * S4. A session that is in use is known for as long; one that nobody uses lapses.
 * S5. The stream of a request goes on at any gateway where a call answers whose events are kept: what was asked is known
 *     by the call's id.
 */
import type { Peers } from '../../../call/peers.ts';
import { isObject, type McpResponse, type MessageId, type Params } from '../message.ts';
import type { BegunRequest, Session } from '../sessions/session.ts';
import type { KeptSession, SessionTable } from './session-table.ts';

/** What is known of a session. */
export interface SessionRecord {
  /** The params of its `initialize`. */
  readonly handshake: Params;
  readonly logLevel: string | undefined;
  /** What it watches. */
  readonly uris: readonly string[];
  /** The gateway where its client listens, or has listened last. */
  readonly listener: string;
}

/** What is told of a session that this gateway has. */
export interface TellableSession extends KeptSession {
  readonly session: Pick<Session, 'response' | 'cancel'>;
  listensAt(place: string): void;
  said(entry: string, text: string): void;
  /** The client goes on with the stream of a request elsewhere. */
  left(stream: string): void;
}

export interface SharedSessionsOptions {
  readonly peers: Peers;
  readonly idleMs: number;
  readonly sessions: SessionTable<TellableSession>;
}

const WATCHED = 'u ';
/** Topics. */
const ENDED = 'mcp.ended';
const LISTENS = 'mcp.listens';
const SAID = 'mcp.said';
const ANSWERED = 'mcp.answered';
const CANCELLED = 'mcp.cancelled';
const LEFT = 'mcp.left';

export class SharedSessions {
  readonly #peers: Peers;
  readonly #idleMs: number;
  readonly #sessions: SessionTable<TellableSession>;
  readonly #renewal: NodeJS.Timeout;

  constructor({ peers, idleMs, sessions }: SharedSessionsOptions) {
    this.#peers = peers;
    this.#idleMs = idleMs;
    this.#sessions = sessions;
    // A client that only listens sends nothing for hours (S4).
    this.#renewal = setInterval(() => this.#renew(), Math.max(10, idleMs / 3)).unref();
    const told = (topic: string, act: (session: TellableSession, rest: string, from: string) => void) =>
      peers.onTold(topic, (text, from) => {
        const end = text.indexOf('\n');
        const [id, rest] = end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end + 1)];
        const session = sessions.named(id);
        if (session) act(session, rest, from);
      });
    told(ENDED, (session) => sessions.end(session));
    told(LISTENS, (session, _, from) => session.listensAt(from));
    told(SAID, (session, rest) => {
      const end = rest.indexOf('\n');
      session.said(rest.slice(0, end), rest.slice(end + 1));
    });
    told(ANSWERED, (session, text) => {
      const { id, message } = JSON.parse(text) as Pick<McpResponse, 'id' | 'message'>;
      session.session.response({ kind: 'response', id, message });
    });
    told(LEFT, (session, stream) => session.left(stream));
    told(CANCELLED, (session, text) => session.session.cancel((JSON.parse(text) as [MessageId])[0]));
  }

  get place(): string {
    return this.#peers.place;
  }

  /** Makes a session known, before its client can name it. */
  async opened(id: string, keyId: string, handshake: Params): Promise<void> {
    const fields = { key: keyId, init: JSON.stringify(handshake), at: this.place };
    await this.#peers.write(nameOf(id), fields, this.#idleMs);
  }

  /** @returns undefined for a session that is not there, or another key's. */
  async read(id: string, keyId: string): Promise<SessionRecord | undefined> {
    const fields = await this.#peers.read(nameOf(id), this.#idleMs);
    const { key, init, level, at = '' } = fields;
    if (key !== keyId || init === undefined) return undefined;
    const handshake: unknown = JSON.parse(init);
    const uris = Object.keys(fields).filter((field) => field.startsWith(WATCHED));
    return {
      handshake: isObject(handshake) ? handshake : {},
      logLevel: level,
      uris: uris.map((field) => field.slice(WATCHED.length)),
      listener: at,
    };
  }

  async ended(id: string): Promise<void> {
    await this.#peers.forget(nameOf(id));
    await this.#peers.tellAll(ENDED, id);
  }

  setLevel(id: string, level: string): Promise<void> {
    return this.#peers.write(nameOf(id), { level }, this.#idleMs);
  }

  watches(id: string, uri: string, isOn: boolean): Promise<void> {
    return isOn
      ? this.#peers.write(nameOf(id), { [WATCHED + uri]: '1' }, this.#idleMs)
      : this.#peers.forget(nameOf(id), WATCHED + uri);
  }

  /** From now on the client listens here. @returns what it missed. */
  async listens(id: string, after: string | undefined) {
    await this.#peers.write(nameOf(id), { at: this.place }, this.#idleMs);
    await this.#peers.tellAll(LISTENS, id);
    return after === undefined ? [] : this.#peers.since(nameOf(id), after);
  }

  /** Keeps a message for a client, and tells it the gateway where it listens. @returns its event id, for who listens here. */
  async say(id: string, text: string, listener: string): Promise<string> {
    const eventId = await this.#peers.append(nameOf(id), text, this.#idleMs);
    if (listener !== this.place) await this.#peers.tell(listener, SAID, `${id}\n${eventId}\n${text}`);
    return eventId;
  }

  /** Hands an answer to the gateway whose tool has asked. */
  async answer(id: string, place: string, answer: McpResponse): Promise<void> {
    const text = JSON.stringify({ id: answer.id, message: answer.message });
    await this.#peers.tell(place, ANSWERED, `${id}\n${text}`);
  }

  /** Cancels a request that another gateway has. */
  async cancel(id: string, requestId: MessageId): Promise<void> {
    await this.#peers.tellAll(CANCELLED, `${id}\n${JSON.stringify([requestId])}`);
  }

  /** Makes a request known, so that its stream can go on at another gateway (S5). */
  async begun(id: string, callId: string, request: BegunRequest): Promise<void> {
    await this.#peers.write(
      callNameOf(callId),
      { session: id, request: JSON.stringify(request) },
      this.#idleMs,
    );
  }

  /** The request of this session that a call answers. */
  async requestOf(id: string, callId: string): Promise<BegunRequest | undefined> {
    const { session, request } = await this.#peers.read(callNameOf(callId));
    return session === id && request !== undefined ? (JSON.parse(request) as BegunRequest) : undefined;
  }

  /** Tells a gateway that the client goes on with a stream elsewhere. */
  async leaves(id: string, place: string, stream: string): Promise<void> {
    await this.#peers.tell(place, LEFT, `${id}\n${stream}`);
  }

  #renew(): void {
    for (const session of this.#sessions.all())
      if (!session.isIdle) this.#peers.read(nameOf(session.id), this.#idleMs).catch(() => undefined);
  }

  close(): void {
    clearInterval(this.#renewal);
  }
}

const nameOf = (id: string): string => `s:${id}`;
const callNameOf = (callId: string): string => `r:${callId}`;
