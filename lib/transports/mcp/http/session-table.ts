/**
 * The sessions that are open over HTTP: found by id and key, bounded in number, ended when idle.
 *
 * T1. A session of another key is not found: the same answer as for one that never was.
 * T2. Every way out of the table closes the session.
 * T3. A full table makes room, since most clients never end their sessions: for the idle session that was used least
 *     recently, of the key that has the most of them. Where none is idle, a key with at least two more sessions
 *     yields one to the key that comes: the least recently used that only listens, else the newest.
 */
import { randomUUID } from 'node:crypto';
import { FairShares } from '../../../access/fair-shares.ts';
import { ToolError } from '../../../call/tool-error.ts';

export interface SessionTableOptions {
  readonly maxSessions: number;
  /** How long an idle session is kept. */
  readonly idleMs: number;
}

/** What the table needs to know of a session. */
export interface KeptSession {
  readonly id: string;
  readonly keyId: string;
  readonly openStreams: number;
  /** When anything last happened, by `performance.now()`. */
  readonly lastUsed: number;
  /** Whether its first message has come. */
  readonly hasBegun: boolean;
  /** Whether nothing keeps it. */
  readonly isIdle: boolean;
  /** Whether nothing but a stream without a request keeps it from being idle. */
  readonly onlyListens: boolean;
  /** @param isStalled whether it ends because its reader stands still. */
  close(isStalled?: boolean): void;
}

export class SessionTable<S extends KeptSession> {
  readonly #options: SessionTableOptions;
  readonly #sessions = new Map<string, S>();
  readonly #shares = new FairShares();
  readonly #sweep: NodeJS.Timeout;

  constructor(options: SessionTableOptions) {
    this.#options = options;
    this.#sweep = setInterval(() => this.#endIdle(), Math.max(10, Math.min(60_000, options.idleMs / 2)));
    this.#sweep.unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  get openStreams(): number {
    let open = 0;
    for (const session of this.#sessions.values()) open += session.openStreams;
    return open;
  }

  /**
   * @param make is given the session's id.
   * @param id of a session that another gateway has opened.
   * @throws {ToolError} overloaded, when all sessions are in use and no key has to yield one to this.
   */
  open(keyId: string, make: (id: string) => S, id: string = randomUUID()): S {
    if (this.#sessions.size >= this.#options.maxSessions) this.#makeRoom(keyId);
    const session = make(id);
    this.#sessions.set(session.id, session);
    this.#shares.add(keyId);
    return session;
  }

  #makeRoom(keyId: string): void {
    const session = this.#idlest(keyId) ?? this.#yielded(keyId);
    if (session) return this.end(session);
    const text = `${this.#options.maxSessions} MCP sessions are in use; end one with DELETE, or wait`;
    throw new ToolError('overloaded', text, { retryAfterMs: 5000 });
  }

  /** The idle session to end first, as if `keyId` had its new one already. */
  #idlest(keyId: string): S | undefined {
    const greed = (session: S) => this.#shares.of(session.keyId) + (session.keyId === keyId ? 1 : 0);
    let found: S | undefined;
    for (const session of this.#sessions.values()) {
      if (!session.isIdle) continue;
      const more = found ? greed(session) - greed(found) : 1;
      if (!found || more > 0 || (more === 0 && session.lastUsed < found.lastUsed)) found = session;
    }
    return found;
  }

  /** The session in use that is to be ended for one of `keyId`. */
  #yielded(keyId: string): S | undefined {
    const greediest = this.#shares.whoYieldsTo(keyId);
    let listener: S | undefined;
    let newest: S | undefined;
    for (const session of this.#sessions.values()) {
      if (session.keyId !== greediest || !session.hasBegun) continue;
      newest = session;
      if (session.onlyListens && (!listener || session.lastUsed < listener.lastUsed)) listener = session;
    }
    return listener ?? newest;
  }

  find(id: string, keyId: string): S | undefined {
    const session = this.#sessions.get(id);
    return session?.keyId === keyId ? session : undefined;
  }

  /** Whoever it belongs to. */
  named(id: string): S | undefined {
    return this.#sessions.get(id);
  }

  all(): readonly S[] {
    return [...this.#sessions.values()];
  }

  end(session: S, isStalled = false): void {
    if (!this.#sessions.delete(session.id)) return;
    this.#shares.remove(session.keyId);
    session.close(isStalled);
  }

  /** Ends those of keys that were taken away. */
  endOf(keyIds: ReadonlySet<string>): void {
    for (const session of [...this.#sessions.values()]) if (keyIds.has(session.keyId)) this.end(session);
  }

  close(): void {
    clearInterval(this.#sweep);
    for (const session of [...this.#sessions.values()]) this.end(session);
  }

  #endIdle(): void {
    const now = performance.now();
    for (const session of [...this.#sessions.values()]) {
      if (session.isIdle && now - session.lastUsed >= this.#options.idleMs) this.end(session);
    }
  }
}
