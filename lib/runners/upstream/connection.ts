/**
 * One connection to a server: its handshake in either era, the calls that it carries, and what the server says.
 *
 * C1. What a server asks or logs belongs to a call only where that is certain: it came on the call's own stream, there is
 *     no other call, or all calls are of one client's session. Else a question is refused, and the log has the record.
 * C2. A connection is told once that it is lost (`onLost`), with every call on it.
 */
import { NewsStream } from './news-stream.ts';
import { type Fields, isObject, METHOD_NOT_FOUND, OWN_NAME, textOf } from './protocol/message.ts';
import { Peer, type Reply, RequestFailure, type RequestListener } from './protocol/peer.ts';
import type { OpenWire, RequestId, Wire } from './protocol/wire.ts';

/** A call, as its connection knows it. */
export interface CarriedCall extends RequestListener {
  log(params: Fields, text: string): void;
  /** The server asks its caller something. */
  ask(method: string, params: Fields, reply: Reply): void;
}

export interface ConnectionListener {
  /** A list has changed: `tools`, `resources`, `prompts`. */
  listChanged(list: string): void;
  updated(uri: string): void;
  /** A log record that belongs to no call. */
  log(params: Fields): void;
  trouble(kind: 'junk' | 'stray', detail: string): void;
  /** @param reason in words that follow "the server". */
  lost(reason: string): void;
}

export interface ConnectionOptions {
  readonly open: OpenWire;
  /** How long the handshake may take, in milliseconds. */
  readonly startMs: number;
  readonly version: string;
  /** Whether all calls on it are of one client's session. */
  readonly isOneSession: boolean;
}

const SESSION_VERSION = '2025-11-25';
const STATELESS_VERSION = '2026-07-28';
/** What callers may be asked, where they can be. */
const CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: {} };
/** What has just answered a request answers a second one soon, or does not know what to say. */
const PROBE_MS = 5000;
const QUIET_MS = 30_000;
const PING_MS = 10_000;
const WATCH_MS = 60_000;
const LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #listener: ConnectionListener;
  readonly #peer: Peer;
  readonly #wire: Wire;
  readonly #calls = new Map<RequestId, CarriedCall>();
  #capabilities: Fields = {};
  #isStateless = false;
  #isOwn = false;
  #isLost = false;
  #hasServed = false;
  #level = LEVELS.length;
  #pings: NodeJS.Timeout | undefined;
  /** In the stateless era. */
  #news: NewsStream | null = null;
  /** When the last call ended, by `performance.now()`. */
  usedAt = performance.now();

  constructor(options: ConnectionOptions, listener: ConnectionListener) {
    this.#options = options;
    this.#listener = listener;
    this.#peer = new Peer({
      notification: (method, params, text, via) => this.#onNotification(method, params, text, via),
      request: (method, params, reply, via) => this.#onRequest(method, params, reply, via),
      trouble: (kind, detail) => listener.trouble(kind, detail),
    });
    this.#wire = options.open({
      received: (text, via) => {
        this.#peer.receive(text, via);
        if (this.#peer.isHopeless) this.fail('writes what is no MCP');
      },
      lost: (id, reason) => this.#peer.loseOne(id, reason),
      tooLong: (ends, via) => this.#peer.tooLong(ends, via),
      closed: (reason, unrun) => this.fail(reason, unrun),
    });
    this.#peer.attach(this.#wire);
  }

  /** What the server can do. */
  get capabilities(): Fields {
    return this.#capabilities;
  }

  /** Whether it is a gateway like this one, whose chunks and results say more. */
  get isOwn(): boolean {
    return this.#isOwn;
  }

  /** Whether each of its requests stands for itself (2026-07-28). */
  get isStateless(): boolean {
    return this.#isStateless;
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  get callsInFlight(): number {
    return this.#calls.size;
  }

  /** Whether a call has got its result on it. */
  get hasServed(): boolean {
    return this.#hasServed;
  }

  get isBehind(): boolean {
    return this.#wire.isBehind;
  }

  get processes(): readonly number[] {
    return this.#wire.processes;
  }

  /** The handshake. @throws {RequestFailure} */
  async open(): Promise<void> {
    const { version, startMs } = this.#options;
    const clientInfo = { name: OWN_NAME, version };
    let info: unknown;
    try {
      const params = { protocolVersion: SESSION_VERSION, capabilities: CAPABILITIES, clientInfo };
      info = await this.#peer.ask('initialize', params, startMs);
      const agreed = isObject(info) ? textOf(info['protocolVersion']) : undefined;
      if (agreed === undefined) throw new RequestFailure('answered initialize without a protocolVersion');
      const { isSessionless } = this.#wire;
      const mayBeBoth = isSessionless || (isSessionless === false && isOurs(info));
      const discovered = mayBeBoth ? await this.#discover(PROBE_MS).catch(() => null) : null;
      if (discovered) info = discovered;
      else {
        this.#isStateless = false;
        this.#wire.agreed(agreed);
        this.#peer.notify('notifications/initialized');
      }
    } catch (error) {
      if (!(error instanceof RequestFailure) || !error.rpc || this.#isLost) throw error;
      // It knows no sessions: those that came after them are asked in another way.
      info = await this.#discover(startMs).catch(() => {
        throw error;
      });
    }
    const { capabilities } = info as Fields;
    this.#capabilities = isObject(capabilities) ? capabilities : {};
    this.#isOwn = isOurs(info);
    if (this.#isStateless) this.#news = new NewsStream(this.#peer, (uris) => this.#newsParams(uris));
    this.#pings = setInterval(() => void this.#ping(), QUIET_MS).unref();
    this.usedAt = performance.now();
  }

  /** Asks a server without sessions what it is; @throws where it does not know the stateless era. */
  #discover(startMs: number): Promise<unknown> {
    this.#isStateless = true;
    this.#wire.agreed(STATELESS_VERSION);
    return this.#peer.ask('server/discover', this.#with({}), startMs);
  }

  /** Params with what every request of the stateless era carries. */
  #with(params: Fields): Fields {
    if (!this.#isStateless) return params;
    return { ...params, _meta: { ...(isObject(params['_meta']) ? params['_meta'] : {}), ...this.#envelope } };
  }

  get #envelope(): Fields {
    return {
      'io.modelcontextprotocol/protocolVersion': STATELESS_VERSION,
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/clientInfo': { name: OWN_NAME, version: this.#options.version },
    };
  }

  #newsParams(uris: readonly string[]): string {
    const notifications = {
      toolsListChanged: true,
      resourcesListChanged: true,
      promptsListChanged: true,
      ...(uris.length === 0 ? {} : { resourceSubscriptions: uris }),
    };
    return JSON.stringify(this.#with({ notifications }));
  }

  /** Asks for the news of a resource, or not any more. */
  watch(uri: string, isOn: boolean): void {
    const { resources } = this.#capabilities;
    if (!isObject(resources) || resources['subscribe'] !== true) return;
    if (this.#news) return this.#news.watch(uri, isOn);
    const method = isOn ? 'resources/subscribe' : 'resources/unsubscribe';
    this.ask(method, { uri }, WATCH_MS).catch(() => undefined);
  }

  /** A request of the gateway's own. @throws {RequestFailure} */
  ask(method: string, params: Fields, timeoutMs: number): Promise<unknown> {
    return this.#peer.ask(method, this.#with(params), timeoutMs);
  }

  /** Carries a call. @param params gives the members of its params, `_meta` apart, and `_meta`. */
  carry(
    method: string,
    name: string,
    params: (id: RequestId, isStateless: boolean) => { readonly body: string; readonly meta: Fields },
    call: CarriedCall,
  ): RequestId {
    const done = (id: RequestId) => {
      this.#calls.delete(id);
      this.usedAt = performance.now();
    };
    let own = 0;
    const listener: RequestListener = {
      ...(call.progress && { progress: (given, text) => call.progress?.(given, text) }),
      result: (result, text) => {
        this.#hasServed = true;
        done(own);
        call.result(result, text);
      },
      error: (error) => {
        done(own);
        call.error(error);
      },
      tooLong: () => {
        done(own);
        call.tooLong();
      },
      lost: (reason, isUnrun) => {
        done(own);
        call.lost(reason, isUnrun);
      },
    };
    return this.#peer.request(
      method,
      (id) => {
        own = id;
        this.#calls.set(id, call);
        const { body, meta } = params(id, this.#isStateless);
        const all = this.#isStateless ? { ...this.#envelope, ...meta } : meta;
        return Object.keys(all).length === 0 ? `{${body}}` : `{${body},"_meta":${JSON.stringify(all)}}`;
      },
      listener,
      name,
    );
  }

  /** Nobody waits for a call's answer any more. */
  drop(id: RequestId, reason: string): void {
    this.#calls.delete(id);
    this.usedAt = performance.now();
    this.#peer.cancel(id, reason);
    this.#wire.hold(false, id);
  }

  /** Reads on, or does not, for a call's reader. */
  hold(isHeld: boolean, id: RequestId): void {
    this.#wire.hold(isHeld, id);
  }

  /** Log records from this level on are wanted by some call. */
  wantLevel(level: string): void {
    const rank = LEVELS.indexOf(level);
    if (this.#isStateless || !isObject(this.#capabilities['logging']) || rank >= this.#level) return;
    this.#level = rank;
    this.ask('logging/setLevel', { level }, PING_MS).catch(() => undefined);
  }

  async #ping(): Promise<void> {
    const quietMs = performance.now() - this.#peer.heardAt;
    if (this.#peer.pending > (this.#news?.isOpen ? 1 : 0) || quietMs < QUIET_MS - 1000) return;
    try {
      await this.ask(this.#isStateless ? 'server/discover' : 'ping', {}, PING_MS);
    } catch (error) {
      // An error is an answer too.
      if (!(error instanceof RequestFailure) || !error.rpc) this.fail('does not answer any more');
    }
  }

  #origin(via: RequestId | undefined): CarriedCall | undefined {
    if (via !== undefined) return this.#calls.get(via);
    if (this.#calls.size === 1 || this.#options.isOneSession) return [...this.#calls.values()].at(-1);
    return undefined;
  }

  #onNotification(method: string, params: Fields, text: string, via: RequestId | undefined): void {
    const [, list] = /^notifications\/(tools|resources|prompts)\/list_changed$/.exec(method) ?? [];
    if (list !== undefined) return this.#listener.listChanged(list);
    if (method === 'notifications/resources/updated') {
      const uri = textOf(params['uri']);
      if (uri !== undefined) this.#listener.updated(uri);
    } else if (method === 'notifications/message') {
      const call = this.#origin(via);
      if (call) call.log(params, text);
      else this.#listener.log(params);
    }
  }

  #onRequest(method: string, params: Fields, reply: Reply, via: RequestId | undefined): void {
    const call = this.#origin(via);
    if (call) return call.ask(method, params, reply);
    const others = this.#calls.size;
    const message =
      others > 1
        ? `${others} calls of different callers run, and nobody knows whose question this is; mount the server with "isolation": "session"`
        : 'no call runs that this could belong to';
    reply({ error: { code: METHOD_NOT_FOUND, message } });
  }

  /** The connection is of no use any more. @param reason in words that follow "the server". */
  fail(reason: string, unrun?: RequestId): void {
    if (this.#isLost) return;
    this.#end(reason, unrun);
    void this.#wire.close();
    this.#listener.lost(reason);
  }

  #end(reason: string, unrun?: RequestId): void {
    this.#isLost = true;
    clearInterval(this.#pings);
    this.#news?.close();
    this.#peer.lose(reason, unrun);
    this.#calls.clear();
  }

  /** Ends it, unasked; settles when nothing of it is left. @param stepMs of the ladder. */
  close(reason: string, stepMs?: number): Promise<void> {
    if (!this.#isLost) this.#end(reason);
    return this.#wire.close(stepMs);
  }
}

/** Whether a server says that it is a gateway like this one. */
function isOurs(info: unknown): boolean {
  const { serverInfo, _meta } = isObject(info) ? info : {};
  const named = isObject(serverInfo)
    ? serverInfo
    : isObject(_meta)
      ? _meta['io.modelcontextprotocol/serverInfo']
      : {};
  return isObject(named) && named['name'] === OWN_NAME;
}
