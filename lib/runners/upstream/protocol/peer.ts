/**
 * One MCP connection, seen from the client's side: requests under ids of its own, their answers, and what the server
 * says meanwhile, in the order in which it came.
 *
 * P1. An answer belongs to the request whose id it has, once. What belongs to none is counted and dropped.
 * P2. A request that is cancelled is forgotten at once: its server is told, and nobody waits for that.
 * P3. Messages are parsed once, to know that they are JSON; results are passed on as they were written.
 * P4. What is no message is told to the log and dropped. After much of it with nothing else the connection is closed.
 */

import { memberOf } from './json-spans.ts';
import { type Fields, isObject, type RpcError, rpcErrorOf } from './message.ts';
import type { RequestId, Wire } from './wire.ts';

/** What a request is told of. */
export interface RequestListener {
  /** @param text the params as they were written. */
  progress?(params: Fields, text: string): void;
  /** @param text of the result, as it was written. */
  result(result: unknown, text: string): void;
  error(error: RpcError): void;
  /** The answer was longer than the limit. */
  tooLong(): void;
  /** It will not be answered: its connection is lost. @param isUnrun true: it certainly did not run. */
  lost(reason: string, isUnrun: boolean): void;
}

/** What a server says that answers nothing. `via` is the request that it came with, where the wire knows. */
export interface PeerListener {
  notification(method: string, params: Fields, text: string, via: RequestId | undefined): void;
  /** @param reply is to be called once. */
  request(method: string, params: Fields, reply: Reply, via: RequestId | undefined): void;
  /** Something is wrong with what the server sends. */
  trouble(kind: 'junk' | 'stray', detail: string): void;
}

export type Reply = (answer: { readonly result: unknown } | { readonly error: RpcError }) => void;

/** So much that is no message may come in a row, in characters. */
const MOST_JUNK = 64 * 1024 ** 2;
const MOST_JUNK_LINES = 20_000;
const SHOWN = 200;

export class Peer {
  readonly #listener: PeerListener;
  readonly #pending = new Map<RequestId, RequestListener>();
  #wire: Wire | null = null;
  #lastId = 0;
  #junk = 0;
  #junkLines = 0;
  /** When something came last, by `performance.now()`. */
  heardAt = performance.now();

  constructor(listener: PeerListener) {
    this.#listener = listener;
  }

  attach(wire: Wire): void {
    this.#wire = wire;
  }

  /** Requests that wait for their answer. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Sends a request. @param params JSON text of an object, made with the id, which is its progress token too. */
  request(
    method: string,
    params: (id: RequestId) => string,
    listener: RequestListener,
    name?: string,
  ): RequestId {
    const id = ++this.#lastId;
    this.#pending.set(id, listener);
    const text = `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params(id)}}`;
    this.#wire?.send({ text, method, id, name });
    return id;
  }

  /** A request whose result is wanted as a value. @throws {RequestFailure} */
  ask(method: string, params: object = {}, timeoutMs = 0, name?: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer =
        timeoutMs === 0
          ? undefined
          : setTimeout(() => {
              this.cancel(id, 'no answer in time');
              reject(new RequestFailure(`did not answer ${method} within ${timeoutMs / 1000} s`));
            }, timeoutMs).unref();
      const end = (settle: () => void) => {
        clearTimeout(timer);
        settle();
      };
      const id = this.request(
        method,
        () => JSON.stringify(params),
        {
          result: (result) => end(() => resolve(result)),
          error: (error) =>
            end(() => reject(new RequestFailure(`answered ${method}: ${error.message}`, error))),
          tooLong: () => end(() => reject(new RequestFailure(`answered ${method} with more than is taken`))),
          lost: (reason) => end(() => reject(new RequestFailure(reason))),
        },
        name,
      );
    });
  }

  notify(method: string, params?: object): void {
    const more = params === undefined ? '' : `,"params":${JSON.stringify(params)}`;
    this.#wire?.send({ text: `{"jsonrpc":"2.0","method":"${method}"${more}}`, method });
  }

  /** Nobody waits for the answer any more. */
  cancel(id: RequestId, reason: string): void {
    if (!this.#pending.delete(id)) return;
    this.notify('notifications/cancelled', { requestId: id, reason });
    this.#wire?.forget(id);
  }

  /** Ends every request that waits. */
  lose(reason: string, unrun?: RequestId): void {
    const all = [...this.#pending];
    this.#pending.clear();
    for (const [id, listener] of all) listener.lost(reason, id === unrun);
  }

  /** A single one will not be answered. */
  loseOne(id: RequestId, reason: string): void {
    this.#take(id)?.lost(reason, false);
  }

  receive(text: string, via: RequestId | undefined): void {
    this.heardAt = performance.now();
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      return this.#onJunk(text);
    }
    if (Array.isArray(message)) {
      for (const one of message) this.#onMessage(one, JSON.stringify(one), via);
      return;
    }
    this.#onMessage(message, text, via);
  }

  #onMessage(message: unknown, text: string, via: RequestId | undefined): void {
    if (!isObject(message)) return this.#onJunk(text);
    const { id, method } = message;
    if (typeof method === 'string') {
      this.#junk = 0;
      this.#junkLines = 0;
      const params = isObject(message['params']) ? message['params'] : {};
      if (id === undefined) this.#onNotification(method, params, text, via);
      else if (typeof id === 'string' || typeof id === 'number') this.#onRequest(id, method, params, via);
      else this.#onJunk(text);
      return;
    }
    if (!('result' in message) && !('error' in message)) return this.#onJunk(text);
    this.#junk = 0;
    this.#junkLines = 0;
    const listener = typeof id === 'number' ? this.#take(id) : undefined;
    if (!listener) return this.#listener.trouble('stray', text.slice(0, SHOWN));
    if ('error' in message) listener.error(rpcErrorOf(message['error']));
    else listener.result(message['result'], memberOf(text, 'result') ?? 'null');
  }

  #take(id: RequestId): RequestListener | undefined {
    const listener = this.#pending.get(id);
    this.#pending.delete(id);
    return listener;
  }

  #onNotification(method: string, params: Fields, text: string, via: RequestId | undefined): void {
    if (method !== 'notifications/progress') {
      const shown = memberOf(text, 'params') ?? '{}';
      return this.#listener.notification(method, params, shown, via);
    }
    const token = params['progressToken'];
    const listener = typeof token === 'number' ? this.#pending.get(token) : undefined;
    // One that comes behind the end of its call is no fault of the server's.
    listener?.progress?.(params, text);
  }

  #onRequest(id: string | number, method: string, params: Fields, via: RequestId | undefined): void {
    let isAnswered = false;
    const reply: Reply = (answer) => {
      if (isAnswered) return;
      isAnswered = true;
      this.#wire?.send({ text: JSON.stringify({ jsonrpc: '2.0', id, ...answer }) });
    };
    if (method === 'ping') reply({ result: {} });
    else this.#listener.request(method, params, reply, via);
  }

  #onJunk(text: string): void {
    this.#junk += text.length;
    this.#junkLines++;
    this.#listener.trouble('junk', text.slice(0, SHOWN));
  }

  /** Whether nothing but junk has come for so long that more is not waited for. */
  get isHopeless(): boolean {
    return this.#junk > MOST_JUNK || this.#junkLines > MOST_JUNK_LINES;
  }

  /** An answer was longer than the limit: what it began and ended with may tell whose it was. */
  tooLong(
    { head, tail }: { readonly head: string; readonly tail: string },
    via: RequestId | undefined,
  ): void {
    const said =
      /"id"\s*:\s*(\d+)/.exec(head.slice(0, 120)) ??
      /"id"\s*:\s*(\d+)[^"{]*\}\s*$|"id"\s*:\s*(\d+)\s*,\s*"jsonrpc"\s*:\s*"2.0"\s*\}\s*$/.exec(tail);
    const [only] = this.#pending.size === 1 ? this.#pending.keys() : [];
    const id = via ?? (said ? Number(said[1] ?? said[2]) : only);
    const listener = id === undefined ? undefined : this.#take(id);
    if (listener) listener.tooLong();
    else this.#listener.trouble('junk', `${head.slice(0, SHOWN)}… (too long)`);
  }
}

/** Why a request has no result. The message follows "the server". */
export class RequestFailure extends Error {
  readonly rpc: RpcError | undefined;

  constructor(message: string, rpc?: RpcError) {
    super(message);
    this.rpc = rpc;
  }
}
