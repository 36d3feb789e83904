/**
 * The sessions that are open over HTTP: found by id and key, bounded in number, ended when idle.
 *
 * T1. A session of another key is not found: the same answer as for one that never was.
 * T2. Every way out of the table closes the session.
 * T3. The code of sessions, and the SDK with it, is loaded for the first one: half of what a gateway would load before
 *     its first answer, and only clients of the era with sessions need it.
 * T4. A full table makes room, since most clients never end their sessions: for the idle session that was used least
 *     recently, of the key that has the most of them. Where none is idle, a key with at least two more sessions
 *     yields one to the key that comes: the least recently used that only listens, else the newest.
 */
import { randomUUID } from 'node:crypto';
import { FairShares } from '../../../access/fair-shares.ts';
import { ToolError } from '../../../call/tool-error.ts';
import type { McpRequest } from '../message.ts';
import type { HttpSession, HttpSessionOptions } from './http-session.ts';

export interface SessionTableOptions extends Omit<HttpSessionOptions, 'id' | 'keyId'> {
  readonly maxSessions: number;
  readonly idleMs: number;
}

export class SessionTable {
  readonly #options: SessionTableOptions;
  readonly #sessions = new Map<string, HttpSession>();
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
   * @param handshake the `initialize` that asks for it.
   * @throws {McpFault} when that is no good. @throws {ToolError} overloaded, when all sessions are in use and no key has
   *     to yield one to this.
   */
  async open(keyId: string, handshake: McpRequest): Promise<HttpSession> {
    const code = await import('./http-session.ts');
    code.checkHandshake(handshake);
    if (this.#sessions.size >= this.#options.maxSessions) this.#makeRoom(keyId);
    const session = new code.HttpSession({ ...this.#options, id: randomUUID(), keyId });
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
  #idlest(keyId: string): HttpSession | undefined {
    const greed = (session: HttpSession) =>
      this.#shares.of(session.keyId) + (session.keyId === keyId ? 1 : 0);
    let found: HttpSession | undefined;
    for (const session of this.#sessions.values()) {
      if (!session.isIdle) continue;
      const more = found ? greed(session) - greed(found) : 1;
      if (!found || more > 0 || (more === 0 && session.lastUsed < found.lastUsed)) found = session;
    }
    return found;
  }

  /** The session in use that is to be ended for one of `keyId`. */
  #yielded(keyId: string): HttpSession | undefined {
    const greediest = this.#shares.whoYieldsTo(keyId);
    let listener: HttpSession | undefined;
    let newest: HttpSession | undefined;
    for (const session of this.#sessions.values()) {
      if (session.keyId !== greediest || !session.hasBegun) continue;
      newest = session;
      if (session.onlyListens && (!listener || session.lastUsed < listener.lastUsed)) listener = session;
    }
    return listener ?? newest;
  }

  find(id: string, keyId: string): HttpSession | undefined {
    const session = this.#sessions.get(id);
    return session?.keyId === keyId ? session : undefined;
  }

  end(session: HttpSession): void {
    if (!this.#sessions.delete(session.id)) return;
    this.#shares.remove(session.keyId);
    session.close();
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
