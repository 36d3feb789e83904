/**
 * The HTTP+SSE transport of 2024-11-05, for clients that know no newer one or fall back to it: `GET /sse` opens a
 * session and streams all that its client is told, `POST /messages?sessionId=` brings what the client says.
 *
 * S1. A session of another key does not exist: 404, as for one that never was.
 * S2. A POST is answered as soon as its message is read; what the message asks for is answered on the stream.
 */
import { randomUUID } from 'node:crypto';
import { ToolError } from '../../../call/tool-error.ts';
import type { Endpoint } from '../../http/endpoint.ts';
import type { GatewayRequest, GatewayResponse } from '../../http/gateway-message.ts';
import { negotiate } from '../../http/negotiation.ts';
import { readJsonBody, requireJson } from '../../http/request-body.ts';
import { faultText, type McpFault, malformed, refusalFault, sessionGone } from '../fault.ts';
import type { MessageId } from '../message.ts';
import type { Outlet } from '../outlet.ts';
import type { McpService } from '../service.ts';
import type { LegacySession } from './legacy-session.ts';
import { refuse } from './refusal.ts';
import { placeIn, type Relay } from './relay.ts';
import { McpReply, type ReplyContext } from './reply.ts';
import { SessionTable } from './session-table.ts';

export interface LegacySseOptions {
  readonly service: McpService;
  readonly reply: ReplyContext;
  readonly maxBodyBytes: number;
  readonly maxSessions: number;
  readonly idleMs: number;
  /** To the gateway that has the stream, on a fleet, and what this one is called there. */
  readonly relay?: Relay | undefined;
  readonly place?: string | undefined;
}

/** One of its two paths. */
interface LegacyPath {
  readonly path: string;
  readonly endpoints: readonly Endpoint[];
  serve(request: GatewayRequest, response: GatewayResponse): Promise<void>;
}

const STREAM = '/sse';
const MESSAGES = '/messages';

export class LegacySse {
  readonly #options: LegacySseOptions;
  readonly #sessions: SessionTable<LegacySession>;
  readonly paths: readonly LegacyPath[] = [
    {
      path: STREAM,
      endpoints: [
        { method: 'GET', path: STREAM, description: 'speaks MCP over HTTP+SSE, as older clients do' },
      ],
      serve: (request, response) => this.#stream(request, response),
    },
    {
      path: MESSAGES,
      endpoints: [
        { method: 'POST', path: MESSAGES, description: 'takes a message for the session of a GET /sse' },
      ],
      serve: (request, response) => this.#message(request, response),
    },
  ];

  constructor(options: LegacySseOptions) {
    this.#options = options;
    this.#sessions = new SessionTable(options);
    options.relay?.on('legacy', ({ keyId, sessionId, body }, outlet) => {
      const fault = this.#take(this.#sessions.find(String(sessionId), keyId), body);
      if (fault) outlet.respond(faultText(fault.id, fault.fault), fault.fault);
      else outlet.respond('');
    });
  }

  get openSessions(): number {
    return this.#sessions.size;
  }

  /** Ends the sessions of keys that were taken away. */
  endOf(keyIds: ReadonlySet<string>): void {
    this.#sessions.endOf(keyIds);
  }

  /** Ends every session, and its stream. */
  close(): void {
    this.#sessions.close();
  }

  async #stream(request: GatewayRequest, response: GatewayResponse): Promise<void> {
    if (request.method !== 'GET') return refuseMethod(request, response, 'GET');
    if (!negotiate(request.headers.accept, [{ mediaType: 'text/event-stream' }])) {
      throw new ToolError('not_acceptable', `GET ${STREAM} answers text/event-stream; accept that`);
    }
    const code = await import('./legacy-session.ts');
    if (response.closed || request.socket.destroyed) return;
    const { service, reply, place } = this.#options;
    const { keyId } = request;
    const stream = new McpReply(request, response, reply);
    const session = this.#sessions.open(
      keyId,
      (id) => new code.LegacySession({ service, id, keyId, stream }),
      `${randomUUID()}${place === undefined ? '' : `.${place}`}`,
    );
    stream.onLeave((isStalled) => this.#sessions.end(session, isStalled));
    session.open(`${MESSAGES}?sessionId=${session.id}`);
  }

  async #message(request: GatewayRequest, response: GatewayResponse): Promise<void> {
    if (request.method !== 'POST') return refuseMethod(request, response, 'POST');
    const { keyId, origin } = request;
    const { relay, reply, maxBodyBytes } = this.#options;
    const id = sessionIdOf(request);
    const session = this.#sessions.find(id, keyId);
    if (!session && !relay) throw noSession();
    requireJson(request);
    const body = await readJsonBody(request, response, maxBodyBytes);
    const accept = () => new McpReply(request, response, reply).end(202);
    const outlet = new AnswerOnly(accept, (fault) => refuse(request, response, fault));
    const relayed = { keyId, sessionId: id, body };
    if (!session && (await relay?.ask(placeIn(id), 'legacy', relayed, { id: 0, outlet }))) return;
    const refused = this.#take(session, body, origin, accept);
    if (refused) refuse(request, response, refused.fault, refused.id);
  }

  /** @param accept is done before the messages are taken. @returns why none of them is. */
  #take(
    session: LegacySession | undefined,
    body: unknown,
    origin?: GatewayRequest['origin'],
    accept: () => void = () => {},
  ): { readonly fault: McpFault; readonly id: MessageId | null } | undefined {
    if (!session) return { fault: noSession(), id: null };
    const messages = session.messagesOf(body);
    for (const message of messages)
      if (message.kind === 'invalid') return { fault: malformed(message), id: message.id };
    accept();
    for (const message of messages)
      if (message.kind !== 'invalid') session.take(message, { origin, sessionId: session.id });
    return undefined;
  }
}

/** The answer to a message that another gateway takes. */
class AnswerOnly implements Outlet {
  readonly #accept: () => void;
  readonly #refuse: (fault: McpFault) => void;

  constructor(accept: () => void, refuse: (fault: McpFault) => void) {
    this.#accept = accept;
    this.#refuse = refuse;
  }

  named(): void {}

  open(): void {}

  send(): void {}

  ready(): undefined {}

  respond(_text: string, fault?: McpFault): void {
    if (fault) this.#refuse(fault);
    else this.#accept();
  }

  abandon(): void {
    this.#refuse(noSession());
  }
}

const noSession = (): McpFault =>
  sessionGone(`there is no such session: GET ${STREAM} opens one and tells its address`);

function sessionIdOf({ url = '' }: GatewayRequest): string {
  const query = url.indexOf('?');
  return new URLSearchParams(query < 0 ? '' : url.slice(query)).get('sessionId') ?? '';
}

function refuseMethod(request: GatewayRequest, response: GatewayResponse, allowed: string): void {
  const reason = `${request.method} is not served on ${request.pathOnly}; use ${allowed}`;
  refuse(request, response, refusalFault(new ToolError('method_not_allowed', reason)), null, [
    'Allow',
    allowed,
  ]);
}
