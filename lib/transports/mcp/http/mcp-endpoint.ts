/**
 * /mcp: Streamable HTTP, both eras of the protocol on one path.
 *
 * H1. Host and Origin were checked before. Here, in this order: key, method, Accept, Content-Type, size, JSON,
 *     session or envelope. Refusals are JSON-RPC errors with the HTTP status that says the same.
 * H2. A request is of the stateless era when its `_meta` or its version header says so; else of the one with
 *     sessions.
 * H3. The code of sessions, and the SDK with it, is loaded for the first one: half of what a gateway would load before
 *     its first answer, and only clients of the era with sessions need it.
 * H4. In the stateless era the client that closes its response cancels its call.
 */
import type { Access } from '../../../access/access.ts';
import type { Peers } from '../../../call/peers.ts';
import { ToolError } from '../../../call/tool-error.ts';
import { onceClosed } from '../../http/departure.ts';
import type { Endpoint } from '../../http/endpoint.ts';
import type { GatewayRequest, GatewayResponse } from '../../http/gateway-message.ts';
import { negotiate } from '../../http/negotiation.ts';
import type { Mount } from '../../http/registration.ts';
import { readJsonBody, requireJson } from '../../http/request-body.ts';
import type { StreamWatch } from '../../rendering/stream-watch.ts';
import type { TransportLog } from '../../rendering/transport-log.ts';
import type { TransportMeter } from '../../rendering/transport-meter.ts';
import { isSessionVersion, STATELESS_VERSION } from '../era.ts';
import { faultText, type McpFault, malformed, refusalFault, sessionGone } from '../fault.ts';
import { type IncomingMcpMessage, type McpRequest, readMessage } from '../message.ts';
import { McpService, type McpServiceOptions } from '../service.ts';
import { checkVersion, type Envelope, isStatelessRequest, readEnvelope } from '../stateless/envelope.ts';
import { ExtensionTasks } from '../stateless/extension-tasks.ts';
import { type StatelessCaller, StatelessRequests } from '../stateless/stateless-requests.ts';
import { Subscriptions } from '../stateless/subscriptions.ts';
import { discoveryMounts } from './discovery.ts';
import { checkHeaders, checkKnownVersion, checkVersionHeader } from './envelope-headers.ts';
import { HttpOutlet, prefersStream } from './http-outlet.ts';
import type { HttpSession } from './http-session.ts';
import { LegacySse } from './legacy-sse.ts';
import { OAuthGuard, type OAuthOptions } from './oauth-guard.ts';
import { refuse } from './refusal.ts';
import { placeIn, Relay, type RelayedRequest } from './relay.ts';
import { McpReply, type ReplyContext } from './reply.ts';
import { SessionFinder } from './session-finder.ts';
import { SessionTable } from './session-table.ts';

export interface McpEndpointOptions extends McpServiceOptions {
  readonly access: Access;
  /** Finds room for a request whose caller is known, or throws. Default: there is room. */
  readonly admit?: (request: GatewayRequest) => void;
  /** Takes access tokens besides keys, where an issuer is configured. */
  readonly oauth?: OAuthOptions;
  /** Other gateways whose sessions are served here too. */
  readonly peers?: Peers | undefined;
  readonly meter: TransportMeter;
  readonly maxBodyBytes: number;
  /** Looks after streams whose readers stand still. */
  readonly watch: StreamWatch;
  readonly log: TransportLog;
  /** Default 1000; for the next session another is ended (session-table.ts). */
  readonly maxSessions?: number;
  /** Whether the HTTP+SSE transport of 2024-11-05 is served beside /mcp. Default: it is not. */
  readonly legacySse?: boolean;
  /** Of the stateless era; default 1024, as subscriptions.ts has it. */
  readonly maxSubscriptions?: number;
  /** Default 30 minutes without a request or an open stream. */
  readonly sessionIdleMs?: number;
  /** Default 2 s: how long a client with sessions whose stream broke may take to come back for it. */
  readonly resumeGraceMs?: number;
}

export interface McpEndpointStats {
  readonly sessions: number;
  /** Of clients of the HTTP+SSE transport. */
  readonly legacySessions: number;
  readonly openStreams: number;
  readonly subscriptions: number;
  readonly suspendedCalls: number;
}

const ENDPOINTS: readonly Endpoint[] = [
  { method: 'POST', path: '/mcp', description: 'speaks MCP, Streamable HTTP, with and without sessions' },
  { method: 'GET', path: '/mcp', description: 'streams what belongs to no request of an MCP session' },
  { method: 'DELETE', path: '/mcp', description: 'ends an MCP session' },
];

const ALLOWED = 'GET, POST, DELETE';

export class McpEndpoint implements Mount {
  readonly path = '/mcp';
  /** The key is checked here, so that its refusal is told as JSON-RPC. */
  readonly isOpen = true;
  readonly endpoints = ENDPOINTS;
  /** The endpoint itself and the pages that belong to it. */
  readonly mounts: readonly Mount[];
  readonly #options: McpEndpointOptions;
  readonly #reply: ReplyContext;
  readonly #service: McpService;
  readonly #sessions: SessionTable<HttpSession>;
  readonly #legacySse: LegacySse | undefined;
  readonly #subscriptions: Subscriptions;
  readonly #statelessRequests: StatelessRequests;
  readonly #tasks: ExtensionTasks;
  readonly #oauth: OAuthGuard | undefined;
  readonly #stopListening: () => void;
  readonly #finder: SessionFinder;
  /** To what only one gateway of a fleet has. */
  readonly #relay: Relay | undefined;

  constructor(options: McpEndpointOptions) {
    const { maxSessions = 1000, sessionIdleMs = 30 * 60_000, resumeGraceMs = 2000 } = options;
    this.#options = options;
    this.#reply = { watch: options.watch, meter: options.meter };
    this.#service = new McpService(options);
    const [service, reply, table] = [this.#service, this.#reply, { maxSessions, idleMs: sessionIdleMs }];
    this.#sessions = new SessionTable(table);
    this.#relay = options.peers && new Relay(options.peers);
    this.#finder = new SessionFinder({
      sessions: this.#sessions,
      peers: options.peers,
      idleMs: sessionIdleMs,
      session: { service, reply, resumeGraceMs, relay: this.#relay },
    });
    const tasks = new ExtensionTasks(service, options.peers);
    this.#tasks = tasks;
    this.#subscriptions = new Subscriptions(service, tasks, options.maxSubscriptions);
    this.#statelessRequests = new StatelessRequests(service, tasks, this.#subscriptions);
    this.#answerPeers();
    options.peers?.onLeaving(() => {
      for (const session of this.#sessions.all()) session.sendAway();
    });
    const { oauth, access, log, maxBodyBytes } = options;
    this.#legacySse = options.legacySse
      ? new LegacySse({ service, reply, maxBodyBytes, relay: this.#relay, place: options.place, ...table })
      : undefined;
    this.#oauth = oauth?.issuer ? new OAuthGuard(oauth, access, log) : undefined;
    const legacy = (this.#legacySse?.paths ?? []).map(({ path, endpoints, serve }) => ({
      path,
      isOpen: true,
      endpoints,
      handle: this.#guarded(serve),
    }));
    this.mounts = [this, ...legacy, ...(this.#oauth?.mounts ?? []), ...discoveryMounts];
    this.#stopListening = access.onRevoked((keyIds) => {
      this.#subscriptions.endOf(keyIds);
      this.#sessions.endOf(keyIds);
      this.#legacySse?.endOf(keyIds);
    });
  }

  /** Answers any request to /mcp. Never rejects. Bound to this object: route tables take it off. */
  readonly handle = this.#guarded(async (request, response) => {
    if (request.method === 'POST') await this.#post(request, response);
    else await this.#withoutBody(request, response);
  });

  /** Finds who calls and makes room, before anything else; refusals are told as JSON-RPC. */
  #guarded(serve: (request: GatewayRequest, response: GatewayResponse) => Promise<void>) {
    return async (request: GatewayRequest, response: GatewayResponse): Promise<void> => {
      try {
        const checkKey = () => this.#options.access.checkKey(request);
        const keyId = this.#oauth ? this.#oauth.authorize(request, checkKey) : checkKey();
        request.keyId = typeof keyId === 'string' ? keyId : await keyId;
        this.#options.admit?.(request);
        await serve(request, response);
      } catch (thrown) {
        refuse(request, response, this.#faultOf(thrown, request));
      }
    };
  }

  /** Answers what other gateways hand over. */
  #answerPeers(): void {
    const { transport } = this.#service;
    this.#relay?.on('stateless', (relayed, outlet, onLeft) => {
      const { keyId, message, envelope } = relayed as RelayedRequest & Stateless;
      const track: StatelessCaller['track'] = (served) =>
        onLeft((isStalled) => served.drop(isStalled ? 'slow_consumer' : 'cancelled'));
      void this.#statelessRequests.handle(message, envelope, { caller: { keyId, transport }, track }, outlet);
    });
    this.#relay?.on('task', (relayed, outlet, onLeft) => {
      const { keyId, session: id, message } = relayed as RelayedRequest & { session: string } & Stateless;
      const session = this.#sessions.find(id, keyId);
      if (!session) {
        const gone = sessionGone('the session has ended');
        return outlet.respond(faultText(message.id, gone), gone);
      }
      onLeft((isStalled) => session.session.cancel(message.id, isStalled));
      void session.session.request(message, outlet, { sessionId: id });
    });
  }

  stats(): McpEndpointStats {
    return {
      sessions: this.#sessions.size,
      legacySessions: this.#legacySse?.openSessions ?? 0,
      openStreams: this.#sessions.openStreams,
      subscriptions: this.#subscriptions.size,
      suspendedCalls: this.#statelessRequests.suspendedCalls,
    };
  }

  /** Ends every session, subscription and stream. */
  close(): void {
    this.#stopListening();
    this.#finder.close();
    this.#relay?.close();
    this.#subscriptions.close();
    this.#statelessRequests.close();
    this.#sessions.close();
    this.#legacySse?.close();
  }

  /** @param method of the message, once it is known. */
  #faultOf(thrown: unknown, { requestId }: GatewayRequest, method?: string): McpFault {
    return this.#service.faultOf(thrown, { method, requestId }, 500);
  }

  async #withoutBody(request: GatewayRequest, response: GatewayResponse): Promise<void> {
    const { headers, method } = request;
    const isKnown = method === 'GET' || method === 'DELETE';
    if (!isKnown || headers['mcp-protocol-version'] === STATELESS_VERSION) {
      const fault = refusalFault(new ToolError('method_not_allowed', `${method} is not served on /mcp`));
      return refuse(request, response, fault, null, ['Allow', isKnown ? 'POST' : ALLOWED]);
    }
    const session = await this.#finder.find(request);
    if (method === 'DELETE') {
      await this.#finder.end(session);
      return new McpReply(request, response, this.#reply).end(200);
    }
    if (!accepts(headers.accept, 'text/event-stream')) {
      throw new ToolError('not_acceptable', 'GET /mcp answers text/event-stream; accept that');
    }
    const lastEventId = headers['last-event-id'];
    await session.listen(request, response, typeof lastEventId === 'string' ? lastEventId : undefined);
  }

  async #post(request: GatewayRequest, response: GatewayResponse): Promise<void> {
    const { accept } = request.headers;
    if (!accepts(accept, 'application/json') || !accepts(accept, 'text/event-stream')) {
      throw new ToolError('not_acceptable', 'accept both application/json and text/event-stream');
    }
    requireJson(request);
    const body = await readJsonBody(request, response, this.#options.maxBodyBytes);
    if (Array.isArray(body)) return this.#batch(body, request, response);
    const message = readMessage(body);
    if (message.kind === 'invalid') return refuse(request, response, malformed(message), message.id);
    if (this.#isStateless(message, request)) return this.#stateless(message, request, response);
    const isHandshake = message.kind === 'request' && message.method === 'initialize';
    if (!isHandshake || request.headers['mcp-session-id'] !== undefined) {
      return (await this.#finder.find(request)).post([message], false, request, response);
    }
    await this.#open(message, request, response);
  }

  /** Opens a session with a handshake that is found good. */
  async #open(handshake: McpRequest, request: GatewayRequest, response: GatewayResponse): Promise<void> {
    let session: HttpSession;
    try {
      session = await this.#finder.open(request.keyId, handshake.params);
    } catch (thrown) {
      return refuse(request, response, this.#faultOf(thrown, request, handshake.method), handshake.id);
    }
    if (response.closed || request.socket.destroyed) return this.#sessions.end(session);
    session.post([handshake], false, request, response);
    onceClosed(request, response, () => {
      if (session.session.protocolVersion === '') this.#sessions.end(session);
    });
  }

  /** A batch, which only revision 2025-03-26 has. A member that is no message spoils nobody else's answer. */
  async #batch(body: readonly unknown[], request: GatewayRequest, response: GatewayResponse): Promise<void> {
    const session =
      request.headers['mcp-session-id'] === undefined ? undefined : await this.#finder.find(request);
    if (session?.session.protocolVersion !== '2025-03-26')
      throw refusedMessage('send one message per POST, not a batch');
    const messages = body.map(readMessage);
    if (messages.length === 0 || messages.length > 100) throw refusedMessage('a batch has 1 to 100 messages');
    session.post(messages, true, request, response);
  }

  #isStateless(
    message: Exclude<IncomingMcpMessage, { kind: 'invalid' }>,
    { headers }: GatewayRequest,
  ): boolean {
    if (message.kind !== 'response' && isStatelessRequest(message.params)) return true;
    const method = message.kind === 'request' ? message.method : undefined;
    if (method === 'initialize') return false; // whatever version its header names: it is here to negotiate one
    const version = headers['mcp-protocol-version'];
    if (version !== undefined) return !isSessionVersion(String(version));
    return method === 'server/discover';
  }

  async #stateless(
    message: Exclude<IncomingMcpMessage, { kind: 'invalid' }>,
    request: GatewayRequest,
    response: GatewayResponse,
  ): Promise<void> {
    const { headers } = request;
    if (message.kind === 'notification') return new McpReply(request, response, this.#reply).end(202);
    if (message.kind === 'response')
      throw refusedMessage('a response answers nothing here; send inputResponses');
    try {
      if (!isStatelessRequest(message.params)) checkKnownVersion(headers['mcp-protocol-version']);
      const envelope = readEnvelope(message);
      checkVersionHeader(headers, envelope);
      checkVersion(envelope.version);
      checkHeaders(headers, message, this.#inputSchema(message, request.keyId));
      const reply = new McpReply(request, response, this.#reply);
      const outlet = new HttpOutlet(reply, prefersStream(request));
      const who = {
        caller: { keyId: request.keyId, transport: this.#service.transport },
        origin: request.origin,
        track: (served: { drop(reason?: 'cancelled' | 'slow_consumer'): void }) =>
          outlet.onGone((isStalled) => served.drop(isStalled ? 'slow_consumer' : 'cancelled')),
      } as const;
      const { keyId } = request;
      const onGone = (listener: (isStalled: boolean) => void) => outlet.onGone(listener);
      const place = (await this.#tasks.placeOf(message, keyId)) ?? placeIn(message.params['requestState']);
      const where = { id: message.id, outlet, onGone };
      if (await this.#relay?.ask(place, 'stateless', { keyId, message, envelope }, where)) return;
      await this.#statelessRequests.handle(message, envelope, who, outlet);
    } catch (thrown) {
      refuse(request, response, this.#faultOf(thrown, request, message.method), message.id);
    }
  }

  #inputSchema({ method, params }: McpRequest, keyId: string) {
    return method === 'tools/call'
      ? this.#service.dispatcher.tool(String(params['name']), keyId)?.inputSchema
      : undefined;
  }
}

/** A request of that era, on its way to another gateway. */
interface Stateless {
  readonly message: McpRequest;
  readonly envelope: Envelope;
}

const refusedMessage = (reason: string): McpFault => malformed({ what: 'message', reason });

const accepts = (header: string | undefined, mediaType: string): boolean =>
  negotiate(header, [{ mediaType }]) !== undefined;
