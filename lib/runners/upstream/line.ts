/**
 * A place for one connection to a server: it is made when it is needed, and made again when it is lost.
 *
 * L1. Calls that come while it is being made wait for it; they are bounded in number.
 * L2. A connection that was of some use is made anew at once. One that was not, after a second, then two, up to thirty:
 *     calls are told `unavailable` meanwhile, at once.
 * L3. A connection is ended when it has carried nothing for a while, where its entry says so.
 */
import { ToolError } from '../../call/tool-error.ts';
import type { Connection } from './connection.ts';

export type LineState = 'idle' | 'starting' | 'ready' | 'waiting' | 'closed';

/** What waits for a connection. */
export interface Waiting {
  ready(connection: Connection): void;
  refused(error: ToolError): void;
}

export interface LineOptions {
  /** Of the server, for messages. */
  readonly name: string;
  /** Makes a connection that is not open yet. @param onLost told once it is lost. */
  connect(onLost: (reason: string) => void): Connection;
  /** It has been opened. */
  opened(connection: Connection): void;
  /** It was lost, or could not be opened. */
  failed(reason: string, wasOpen: boolean): void;
  readonly mostWaiting: number;
  /** 0: never. */
  readonly idleMs: number;
}

const FIRST_MS = 1000;
const LONGEST_MS = 30_000;
/** What lives so long was of some use. */
const USEFUL_MS = 10_000;

export class Line {
  readonly #options: LineOptions;
  #connection: Connection | null = null;
  #state: LineState = 'idle';
  #waiting = new Set<Waiting>();
  #failures = 0;
  #retryAt = 0;
  #retry: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #reason = '';
  #openedAt = 0;
  #restarts = 0;
  /** Connections that are still ending. */
  readonly #ending = new Set<Promise<void>>();

  constructor(options: LineOptions) {
    this.#options = options;
  }

  get state(): LineState {
    return this.#state;
  }

  get restarts(): number {
    return this.#restarts;
  }

  /** Why it is not connected; empty where nothing is wrong. */
  get reason(): string {
    return this.#reason;
  }

  get connection(): Connection | null {
    return this.#state === 'ready' ? this.#connection : null;
  }

  get processes(): readonly number[] {
    return this.#connection?.processes ?? [];
  }

  /** Calls that it has. */
  get load(): number {
    return this.#waiting.size + (this.#connection?.callsInFlight ?? 0);
  }

  get depth(): number {
    return this.#waiting.size;
  }

  /** Gives the connection, now or when there is one. @returns what takes the wish back. */
  use(waiting: Waiting): () => void {
    const refusal = this.#refusal();
    if (refusal) waiting.refused(refusal);
    else if (this.#state === 'ready' && this.#connection) waiting.ready(this.#connection);
    else {
      this.#waiting.add(waiting);
      this.start();
    }
    return () => void this.#waiting.delete(waiting);
  }

  #refusal(): ToolError | null {
    const { name, mostWaiting } = this.#options;
    if (this.#state === 'closed') return new ToolError('unavailable', `the server "${name}" is closed`);
    if (this.#state === 'waiting') {
      const retryAfterMs = Math.max(1, Math.ceil(this.#retryAt - performance.now()));
      return new ToolError('unavailable', `the server "${name}" ${this.#reason}`, { retryAfterMs });
    }
    if (this.#state === 'ready' && this.#connection?.isBehind)
      return new ToolError('overloaded', `the server "${name}" does not take what it is sent`);
    if (this.#state !== 'ready' && this.#waiting.size >= mostWaiting)
      return new ToolError('overloaded', `${mostWaiting} calls wait for the server "${name}" to start`);
    return null;
  }

  /** Makes the connection, where there is none. */
  start(): void {
    if (this.#state !== 'idle' && this.#state !== 'waiting') return;
    clearTimeout(this.#retry);
    this.#state = 'starting';
    let connection: Connection;
    try {
      connection = this.#options.connect((reason) => this.#onLost(connection, reason));
    } catch (error) {
      this.#connection = null;
      return this.#failed((error as Error).message, null);
    }
    this.#connection = connection;
    connection.open().then(
      () => this.#onOpen(connection),
      (error: Error) => {
        if (this.#connection !== connection) return;
        this.#end(connection, error.message);
        this.#failed(error.message, null);
      },
    );
  }

  #onOpen(connection: Connection): void {
    if (this.#connection !== connection || this.#state !== 'starting') return;
    this.#state = 'ready';
    this.#reason = '';
    this.#openedAt = performance.now();
    this.#options.opened(connection);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const one of waiting) one.ready(connection);
    this.#watchIdle(connection);
  }

  #watchIdle(connection: Connection): void {
    const { idleMs } = this.#options;
    clearInterval(this.#idle);
    if (idleMs === 0) return;
    this.#idle = setInterval(
      () => {
        if (connection.callsInFlight > 0 || performance.now() - connection.usedAt < idleMs) return;
        this.rest();
      },
      Math.max(50, Math.min(idleMs / 4, 5000)),
    ).unref();
  }

  /** Ends the connection until it is needed again. */
  rest(): void {
    if (this.#state !== 'ready' || !this.#connection) return;
    clearInterval(this.#idle);
    this.#state = 'idle';
    this.#end(this.#connection, 'is at rest');
  }

  #onLost(connection: Connection, reason: string): void {
    if (this.#connection !== connection || this.#state === 'closed') return;
    this.#end(connection, reason);
    this.#failed(reason, this.#state === 'ready' ? connection : null);
  }

  /** @param lost the one that was open, where one was. */
  #failed(reason: string, lost: Connection | null): void {
    const wasOpen = lost !== null;
    clearInterval(this.#idle);
    this.#reason = reason;
    const wasUseful = lost !== null && (lost.hasServed || performance.now() - this.#openedAt > USEFUL_MS);
    this.#failures = wasUseful ? 0 : this.#failures + 1;
    this.#restarts++;
    // The first loss of one that was open may be chance.
    const waitMs =
      wasOpen && this.#failures <= 1
        ? 0
        : Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, this.#failures - (wasOpen ? 2 : 1)));
    this.#state = 'waiting';
    this.#retryAt = performance.now() + waitMs;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    this.#options.failed(reason, wasOpen);
    if (waitMs === 0) this.start();
    else this.#retry = setTimeout(() => this.start(), waitMs).unref();
    const { name } = this.#options;
    for (const one of waiting)
      one.refused(
        new ToolError('unavailable', `the server "${name}" ${reason}`, { retryAfterMs: Math.max(1, waitMs) }),
      );
  }

  #end(connection: Connection, reason: string, stepMs?: number): void {
    this.#connection = null;
    const ended = connection.close(reason, stepMs).finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  /** Ends everything; settles when nothing is left. */
  async close(stepMs?: number): Promise<void> {
    const connection = this.#connection;
    this.#state = 'closed';
    clearTimeout(this.#retry);
    clearInterval(this.#idle);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const one of waiting) one.refused(new ToolError('unavailable', 'the gateway is shutting down'));
    if (connection) this.#end(connection, 'is being closed', stepMs);
    await Promise.all(this.#ending);
  }
}
