/**
 * Which session a request of /mcp belongs to.
 *
 * F1. A gateway by itself knows its own sessions; one of a fleet asks what all know, and makes its own of a session that
 *     another has opened. While that cannot be asked, one that is known here goes on.
 * F2. The code of sessions is loaded with the first.
 */
import type { Peers } from '../../../call/peers.ts';
import type { GatewayRequest } from '../../http/gateway-message.ts';
import { INVALID_REQUEST, McpFault, sessionGone } from '../fault.ts';
import type { Params } from '../message.ts';
import type { HttpSession, HttpSessionOptions } from './http-session.ts';
import type { SessionTable } from './session-table.ts';
import type { SessionRecord, SharedSessions } from './shared-sessions.ts';

export interface SessionFinderOptions {
  readonly sessions: SessionTable<HttpSession>;
  readonly peers: Peers | undefined;
  readonly idleMs: number;
  /** What all sessions share. */
  readonly session: Omit<HttpSessionOptions, 'id' | 'keyId' | 'shared'>;
}

export class SessionFinder {
  readonly #options: SessionFinderOptions;
  readonly #restoring = new Map<string, Promise<HttpSession>>();
  #sharing: Promise<SharedSessions> | undefined;

  constructor(options: SessionFinderOptions) {
    this.#options = options;
  }

  /** What all gateways know; undefined where there is one. */
  get shared(): Promise<SharedSessions> | undefined {
    const { peers, sessions, idleMs } = this.#options;
    if (!peers) return undefined;
    this.#sharing ??= import('./shared-sessions.ts').then(
      (code) => new code.SharedSessions({ peers, sessions, idleMs }),
    );
    return this.#sharing;
  }

  /** The one that a request names. @throws {McpFault} 400 without an id, 404 for one that is not this key's. */
  find({ headers, keyId }: GatewayRequest): HttpSession | Promise<HttpSession> {
    const id = headers['mcp-session-id'];
    if (typeof id !== 'string' || id === '') {
      throw new McpFault(INVALID_REQUEST, 'the header Mcp-Session-Id is missing; initialize first', {
        status: 400,
      });
    }
    if (this.#options.peers) return this.#findShared(id, keyId);
    const session = this.#options.sessions.find(id, keyId);
    if (!session) throw sessionGone('there is no such session');
    return session;
  }

  /** Opens one. @throws {McpFault} for a handshake that is none. */
  async open(keyId: string, handshake: Params): Promise<HttpSession> {
    const { sessions, session: options } = this.#options;
    const [code, shared] = await Promise.all([import('./http-session.ts'), this.shared]);
    code.checkHandshake({ kind: 'request', id: '', method: 'initialize', params: handshake });
    const session = sessions.open(keyId, (id) => new code.HttpSession({ ...options, keyId, shared, id }));
    try {
      await shared?.opened(session.id, keyId, handshake);
    } catch (error) {
      sessions.end(session);
      throw error;
    }
    return session;
  }

  /** Ends one because its client says so. */
  async end(session: HttpSession): Promise<void> {
    await (await this.shared)?.ended(session.id);
    this.#options.sessions.end(session);
  }

  close(): void {
    this.#sharing?.then((shared) => shared.close()).catch(() => undefined);
  }

  async #findShared(id: string, keyId: string): Promise<HttpSession> {
    const { sessions } = this.#options;
    const shared = await this.shared;
    const known = sessions.find(id, keyId);
    const changes = known?.session.changes;
    let record: SessionRecord | undefined;
    try {
      record = await shared?.read(id, keyId);
    } catch (error) {
      if (known) return known;
      throw error;
    }
    if (!record) {
      if (known) sessions.end(known);
      throw sessionGone('there is no such session');
    }
    const begun = this.#restoring.has(id) ? undefined : sessions.find(id, keyId);
    const session = begun ?? (await this.#restored(id, keyId, record));
    if (session !== known || session.session.changes === changes) session.adopt(record);
    return session;
  }

  #restored(id: string, keyId: string, { handshake }: SessionRecord): Promise<HttpSession> {
    const underWay = this.#restoring.get(id);
    if (underWay) return underWay;
    const { sessions, session: options } = this.#options;
    const restored = (async () => {
      const [code, shared] = await Promise.all([import('./http-session.ts'), this.shared]);
      const session = sessions.open(keyId, () => new code.HttpSession({ ...options, keyId, shared, id }), id);
      await session.session.restore(handshake);
      return session;
    })().finally(() => this.#restoring.delete(id));
    this.#restoring.set(id, restored);
    return restored;
  }
}
