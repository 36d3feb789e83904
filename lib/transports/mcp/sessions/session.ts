/**
 * One client of the era with sessions (2024-11-05 … 2025-11-25), over HTTP or stdio.
 *
 * L1. The SDK's low-level Server does the handshake, pings and the correlation of our own requests, over a transport
 *     of ours; one Server per session, never shared. Calls and lists do not pass through it: their text is pasted.
 * L2. Every request in flight is known by its id (with its JSON type); a second one with that id is refused, and a
 *     cancelled one ends its exchange.
 * L3. `close` ends what runs and frees everything, any number of times.
 */
import { randomUUID } from 'node:crypto';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { type JSONRPCMessage, type JSONRPCResponse, McpError } from '@modelcontextprotocol/sdk/types.js';
import { TransitMap } from '../../../async/transit-map.ts';
import type { Caller, ClientAbilities } from '../../../call/caller.ts';
import type { RunningCall } from '../../../call/running-call.ts';
import type { News } from '../../news.ts';
import type { Asker, ServedCall } from '../calls/served-call.ts';
import { abilitiesOf, isLogLevel, SESSION_ERA } from '../era.ts';
import {
  type FaultContext,
  faultText,
  INVALID_PARAMS,
  INVALID_REQUEST,
  McpFault,
  sessionGone,
} from '../fault.ts';
import { uriOf } from '../mcp-catalog.ts';
import {
  isMessageId,
  isObject,
  jsonText,
  type McpNotification,
  type McpRequest,
  type McpResponse,
  type MessageId,
  type Params,
  responseText,
} from '../message.ts';
import { isTooLong, tooLongFault } from '../message-size.ts';
import { newsMessage } from '../news-message.ts';
import type { Outlet, ToldSoFar } from '../outlet.ts';
import { type McpService, wishesOf } from '../service.ts';
import { checkHandshake } from './handshake.ts';
import { placed } from './placed-request.ts';
import { putQuestion } from './put-question.ts';
import { NO_VALIDATOR, SdkTransport } from './sdk-transport.ts';
import { SessionTasks, TASKS_CAPABILITY, TASKS_VERSION, type TaskScope } from './session-tasks.ts';
import type { TaskLine } from './task.ts';

const MAX_SUBSCRIPTIONS = 1000;

/** What is known of the HTTP request that brought a message. */
export type HttpRequest = Pick<TaskScope, 'origin' | 'sessionId' | 'comesBack'>;

/** What other gateways are told that serve the same session; absent where there are none. */
export interface SessionShare {
  readonly place: string;
  setLevel(level: string): Promise<void>;
  watches(uri: string, isOn: boolean): Promise<void>;
}

/** What other gateways were told. */
export interface SharedState {
  readonly logLevel: string | undefined;
  readonly uris: readonly string[];
}

/** Writes a message that belongs to no request. @param isNews whether every gateway hears of it by itself. */
export type TellClient = (text: string, isNews?: boolean) => ReturnType<TaskLine['tell']>;

/** A request that is answered by a call whose events are kept. */
export interface BegunRequest {
  readonly requestId: MessageId;
  readonly progressToken: string | number;
}

interface InFlight {
  readonly id: MessageId;
  readonly outlet: Outlet;
  served?: Pick<ServedCall, 'drop'>;
}

export class Session {
  readonly #service: McpService;
  readonly #caller: Caller;
  readonly #server: Server;
  readonly #transport: SdkTransport;
  readonly #inFlight = new TransitMap<MessageId, InFlight>();
  /** What ends the watching of each. */
  readonly #subscribed = new Map<string, () => void>();
  readonly #unsubscribe: () => void;
  #logLevel: string | undefined;
  #abilities: ClientAbilities | undefined;
  readonly #tell: TellClient;
  readonly #share: SessionShare | undefined;
  /** How often this gateway has changed what is shared. */
  #changes = 0;
  /** Only for a client whose revision has them. */
  #tasks: SessionTasks | undefined;
  #allowsPartials = false;
  #protocolVersion = '';

  constructor(service: McpService, caller: Caller, tell: TellClient, share?: SessionShare) {
    this.#service = service;
    this.#tell = tell;
    this.#share = share;
    this.#caller = { ...caller, session: randomUUID() };
    const { identity, instructions, capabilities } = service;
    this.#server = new Server(identity, {
      capabilities,
      jsonSchemaValidator: NO_VALIDATOR,
      ...(instructions === undefined ? {} : { instructions }),
    });
    this.#transport = new SdkTransport((message, related) => this.#write(message, related));
    // What the SDK has no answer for: mostly a client's mistakes, so nothing that the log should fill with.
    this.#server.onerror = (error) => service.log('debug', 'an MCP message was not understood', { error });
    this.#server.connect(this.#transport).catch((thrown) => service.faultOf(thrown, {}));
    this.#unsubscribe = service.onNews(caller.keyId, (news) => this.#tellNews(news));
  }

  /** The negotiated revision; empty before the handshake. */
  get protocolVersion(): string {
    return this.#protocolVersion;
  }

  get callsInFlight(): number {
    return this.#inFlight.size;
  }

  get tasksRunning(): number {
    return this.#tasks?.running ?? 0;
  }

  /** Answers a request. Never rejects. */
  async request(request: McpRequest, outlet: Outlet, via: HttpRequest = {}): Promise<void> {
    const { id } = request;
    if (this.#inFlight.has(id)) {
      const reason = `id ${jsonText(id)} is in flight; ids are unique among the running requests`;
      return outlet.respond(faultText(id, new McpFault(INVALID_REQUEST, reason)));
    }
    const entry: InFlight = { id, outlet };
    this.#inFlight.set(id, entry);
    try {
      await this.#answer(request, entry, via);
    } catch (thrown) {
      this.#inFlight.delete(id);
      this.#service.fail(thrown, request, outlet);
    }
  }

  async #answer(request: McpRequest, entry: InFlight, via: HttpRequest): Promise<void> {
    const { id } = request;
    const { outlet } = entry;
    if (request.method === 'initialize') checkHandshake(request);
    const tasks = this.#tasks?.takes(request, this.#caller.keyId) ? this.#tasks : undefined;
    if (!tasks && !this.#service.handles(request.method)) {
      if (!this.#handleOwn(request, outlet)) this.#transport.receive(request);
      return;
    }
    const wishes = wishesOf(request, this.#logLevel, this.#allowsPartials);
    const scope: TaskScope = {
      era: SESSION_ERA,
      caller: this.#caller,
      abilities: this.#abilities,
      wishes,
      asker: this.#askerOf(id),
      hasTasks: this.#tasks !== undefined,
      protocolVersion: this.#protocolVersion,
      ...via,
      track: (served) => {
        entry.served = served;
      },
    };
    await (tasks ?? this.#service).handle(request, scope, outlet);
    // It may be back from another gateway.
    if (this.#inFlight.get(id) === entry) this.#inFlight.delete(id);
  }

  /**
   * Answers a request that another gateway has begun to answer. Never rejects.
   * @param told what the client has of it.
   */
  async goOn(
    { requestId, progressToken }: BegunRequest,
    call: RunningCall,
    told: ToldSoFar,
    outlet: Outlet,
  ): Promise<void> {
    const served = this.#service.goOn(call, SESSION_ERA, this.#askerOf(requestId));
    const entry: InFlight = { id: requestId, outlet, served };
    this.#inFlight.set(requestId, entry);
    try {
      await served.serve(requestId, outlet, { progressToken, logLevel: this.#logLevel, told });
    } catch (thrown) {
      served.drop();
      const request = { kind: 'request', id: requestId, method: 'tools/call', params: {} } as const;
      this.#service.fail(thrown, request, outlet, call.callId);
    }
    if (this.#inFlight.get(requestId) === entry) this.#inFlight.delete(requestId);
  }

  notification(notification: McpNotification): void {
    const { requestId } = notification.params;
    if (notification.method === 'notifications/cancelled' && isMessageId(requestId)) this.cancel(requestId);
    this.#transport.receive(notification);
  }

  response({ id, message }: McpResponse): void {
    this.#transport.receiveRaw(
      this.#share ? { ...message, id: Number(String(id).split('.').at(-1)) } : message,
    );
  }

  /** Begins as one that another gateway has opened did. */
  async restore(params: Params): Promise<void> {
    await new Promise<void>((resolve) => {
      const nowhere: Outlet = {
        named: () => {},
        open: () => {},
        send: () => {},
        ready: () => undefined,
        respond: () => resolve(),
        abandon: () => resolve(),
      };
      void this.request({ kind: 'request', id: 'restored', method: 'initialize', params }, nowhere);
    });
    this.notification({ kind: 'notification', method: 'notifications/initialized', params: {} });
  }

  get changes(): number {
    return this.#changes;
  }

  /** Takes on what the client said to other gateways. */
  adopt({ logLevel, uris }: SharedState): void {
    this.#logLevel = logLevel;
    for (const uri of uris)
      if (!this.#subscribed.has(uri)) this.#subscribed.set(uri, this.#service.dispatcher.watch(uri));
    for (const uri of [...this.#subscribed.keys()]) if (!uris.includes(uri)) this.#unwatch(uri);
  }

  /** Whether a request of that id is running here. */
  has(id: MessageId): boolean {
    return this.#inFlight.has(id);
  }

  /** Ends a request without a response. */
  cancel(id: MessageId, isStalled = false): void {
    const entry = this.#inFlight.get(id);
    if (entry?.served) return entry.served.drop(isStalled ? 'slow_consumer' : 'cancelled');
    // The SDK's Server has it, and may write nothing for a request that it finds cancelled.
    this.#inFlight.delete(id);
    entry?.outlet.abandon();
  }

  /** Ends it: what runs is cancelled, and what waits is told. @param isStalled whether its reader stands still. */
  close(isStalled = false): void {
    this.#unsubscribe();
    for (const uri of [...this.#subscribed.keys()]) this.#unwatch(uri);
    const gone = sessionGone('the session has ended');
    for (const { id, served, outlet } of this.#inFlight.values()) {
      outlet.respond(faultText(id, gone), gone);
      served?.drop(isStalled ? 'slow_consumer' : 'cancelled');
    }
    this.#tasks?.close();
    this.#service.dispatcher.sessionEnded(this.#caller);
    this.#server.close().catch((thrown) => this.#service.faultOf(thrown, {}));
  }

  /** Requests that are ours but belong to this era only. */
  #handleOwn(request: McpRequest, outlet: Outlet): boolean {
    const { id, method, params } = request;
    if (
      method !== 'logging/setLevel' &&
      method !== 'resources/subscribe' &&
      method !== 'resources/unsubscribe'
    ) {
      return false;
    }
    if (method === 'logging/setLevel') this.#setLevel(params);
    else this.#setSubscription(method === 'resources/subscribe', params);
    const respond = () => {
      outlet.respond(responseText(id, '{}'));
      this.#inFlight.delete(id);
    };
    if (!this.#share) respond();
    else {
      this.#changes++;
      const told =
        method === 'logging/setLevel'
          ? this.#share.setLevel(String(params['level']))
          : this.#share.watches(String(params['uri']), method === 'resources/subscribe');
      told.then(respond).catch((thrown) => {
        this.#inFlight.delete(id);
        this.#service.fail(thrown, request, outlet);
      });
    }
    return true;
  }

  #setLevel({ level }: Params): void {
    if (!isLogLevel(level)) throw new McpFault(INVALID_PARAMS, `${jsonText(level)} is no log level`);
    this.#logLevel = level;
  }

  #setSubscription(isOn: boolean, params: Params): void {
    const uri = uriOf(params, 'resources/subscribe');
    if (!isOn || this.#subscribed.has(uri)) {
      if (!isOn) this.#unwatch(uri);
      return;
    }
    this.#service.catalogOf(this.#caller.keyId).resourceRead(params, false);
    if (this.#subscribed.size >= MAX_SUBSCRIPTIONS) {
      throw new McpFault(INVALID_REQUEST, `more than ${MAX_SUBSCRIPTIONS} subscriptions; unsubscribe first`);
    }
    this.#subscribed.set(uri, this.#service.dispatcher.watch(uri));
  }

  #unwatch(uri: string): void {
    this.#subscribed.get(uri)?.();
    this.#subscribed.delete(uri);
  }

  #learnClient(): void {
    const capabilities = this.#server.getClientCapabilities() as Params | undefined;
    this.#abilities = abilitiesOf(capabilities);
    const experimental = capabilities?.['experimental'];
    this.#allowsPartials = isObject(experimental) && isObject(experimental['partialResults']);
  }

  /** Begins or ends what the negotiated revision has. @returns the capabilities that only that revision has. */
  #beginTasks(): object {
    this.#tasks?.close();
    this.#tasks = undefined;
    if (this.#protocolVersion !== TASKS_VERSION) return {};
    this.#tasks = new SessionTasks(this.#service, {
      tell: this.#tell,
      ask: (ask, call, on, meta, left) =>
        putQuestion(this.#server, ask, call, { on, meta, left, defect: this.#defect }),
    });
    return { tasks: TASKS_CAPABILITY };
  }

  #askerOf(id: MessageId): Asker {
    return (ask, call) => {
      void putQuestion(this.#server, ask, call, { on: id, defect: this.#defect });
      return undefined;
    };
  }

  readonly #defect = (thrown: unknown, context: FaultContext): McpFault =>
    this.#service.faultOf(thrown, context);

  #tellNews(news: News): void {
    if (news.type === 'updated' && !this.#subscribed.has(news.uri)) return;
    this.#tell(jsonText({ jsonrpc: '2.0', ...newsMessage(news) }), true);
  }

  /** What the SDK's Server sends. */
  #write(message: JSONRPCMessage, related: MessageId | undefined): void {
    if ('method' in message) {
      const text = jsonText(this.#share ? placed(message, this.#share.place) : message);
      if (isTooLong(text, this.#service.maxMessageBytes)) {
        // The SDK gives it to whoever asks, as what the client answered.
        const { code, message: reason } = tooLongFault('the question', this.#service.maxMessageBytes);
        throw new McpError(code, reason);
      }
      if (related === undefined) this.#tell(text);
      else this.#inFlight.get(related)?.outlet.send(text);
      return;
    }
    const { id } = message;
    const entry = id === undefined ? undefined : this.#inFlight.get(id);
    if (!entry || id === undefined) return;
    let text: string;
    try {
      text = this.#responseOf(message);
    } catch (thrown) {
      text = faultText(id, this.#service.faultOf(thrown, {}));
    }
    this.#inFlight.delete(id);
    entry.outlet.respond(text);
  }

  /** The text of what the SDK's Server answers; the answer to `initialize` gets what only the negotiated revision has. */
  #responseOf(message: JSONRPCResponse): string {
    let result = 'result' in message ? message.result : undefined;
    if (typeof result?.['protocolVersion'] === 'string') {
      this.#protocolVersion = result['protocolVersion'];
      this.#learnClient();
      result = { ...result, capabilities: { ...this.#service.capabilities, ...this.#beginTasks() } };
    }
    return jsonText(result ? { ...message, result } : message);
  }
}
