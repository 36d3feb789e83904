/**
 * The sessions that are open over HTTP: found by id and key, bounded in number, ended when idle.
 *
 * T1. A session of another key is not found: the same answer as for one that never was.
 * T2. Every way out of the table closes the session.
 * T3. The code of sessions, and the SDK with it, is loaded for the first one: half of what a gateway would load before
 *     its first answer, and only clients of the era with sessions need it.
 */
import { randomUUID } from 'node:crypto';
import { ToolError } from '../../../call/tool-error.ts';
import type { HttpSession, HttpSessionOptions } from './http-session.ts';

export interface SessionTableOptions extends Omit<HttpSessionOptions, 'id' | 'keyId'> {
  readonly maxSessions: number;
  readonly idleMs: number;
}

export class SessionTable {
  readonly #options: SessionTableOptions;
  readonly #sessions = new Map<string, HttpSession>();
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

  /** @throws {ToolError} overloaded, when there are too many that are not idle. */
  async open(keyId: string): Promise<HttpSession> {
    const code = await import('./http-session.ts');
    const { maxSessions } = this.#options;
    if (this.#sessions.size >= maxSessions) {
      throw new ToolError(
        'overloaded',
        `${maxSessions} MCP sessions are open; end one with DELETE, or wait`,
        {
          retryAfterMs: 5000,
        },
      );
    }
    const session = new code.HttpSession({ ...this.#options, id: randomUUID(), keyId });
    this.#sessions.set(session.id, session);
    return session;
  }

  find(id: string, keyId: string): HttpSession | undefined {
    const session = this.#sessions.get(id);
    return session?.keyId === keyId ? session : undefined;
  }

  end(session: HttpSession): void {
    this.#sessions.delete(session.id);
    session.close();
  }

  close(): void {
    clearInterval(this.#sweep);
    for (const session of [...this.#sessions.values()]) this.end(session);
  }

  #endIdle(): void {
    const now = performance.now();
    for (const session of [...this.#sessions.values()]) {
      if (session.idleMs(now) >= this.#options.idleMs) this.end(session);
    }
  }
}
