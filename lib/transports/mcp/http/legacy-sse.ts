/**
 * The HTTP+SSE transport of 2024-11-05, for clients that know no newer one or fall back to it: `GET /sse` opens a
 * session and streams all that its client is told, `POST /messages?sessionId=` brings what the client says.
 *
 * S1. A session of another key does not exist: 404, as for one that never was.
 * S2. A POST is answered as soon as its message is read; what the message asks for is answered on the stream.
 */
import { ToolError } from '../../../call/tool-error.ts';
import type { Endpoint } from '../../http/endpoint.ts';
import type { GatewayRequest, GatewayResponse } from '../../http/gateway-message.ts';
import { negotiate } from '../../http/negotiation.ts';
import { readJsonBody, requireJson } from '../../http/request-body.ts';
import { malformed, refusalFault, sessionGone } from '../fault.ts';
import type { McpService } from '../service.ts';
import type { LegacySession } from './legacy-session.ts';
import { refuse } from './refusal.ts';
import { McpReply, type ReplyContext } from './reply.ts';
import { SessionTable } from './session-table.ts';

export interface LegacySseOptions {
  readonly service: McpService;
  readonly reply: ReplyContext;
  readonly maxBodyBytes: number;
  readonly maxSessions: number;
  readonly idleMs: number;
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
    const { service, reply } = this.#options;
    const { keyId } = request;
    const stream = new McpReply(request, response, reply);
    const session = this.#sessions.open(
      keyId,
      (id) => new code.LegacySession({ service, id, keyId, stream }),
    );
    stream.onLeave((isStalled) => this.#sessions.end(session, isStalled));
    session.open(`${MESSAGES}?sessionId=${session.id}`);
  }

  async #message(request: GatewayRequest, response: GatewayResponse): Promise<void> {
    if (request.method !== 'POST') return refuseMethod(request, response, 'POST');
    const session = this.#session(request);
    requireJson(request);
    const body = await readJsonBody(request, response, this.#options.maxBodyBytes);
    const messages = session.messagesOf(body);
    const via = { origin: request.origin, sessionId: session.id };
    for (const message of messages) {
      if (message.kind === 'invalid') return refuse(request, response, malformed(message), message.id);
    }
    new McpReply(request, response, this.#options.reply).end(202);
    for (const message of messages) {
      if (message.kind !== 'invalid') session.take(message, via);
    }
  }

  /** @throws {McpFault} 404 for a session that is not this key's, or not any more. */
  #session({ url = '', keyId }: GatewayRequest): LegacySession {
    const query = url.indexOf('?');
    const id = new URLSearchParams(query < 0 ? '' : url.slice(query)).get('sessionId') ?? '';
    const session = this.#sessions.find(id, keyId);
    if (!session)
      throw sessionGone(`there is no such session: GET ${STREAM} opens one and tells its address`);
    return session;
  }
}

function refuseMethod(request: GatewayRequest, response: GatewayResponse, allowed: string): void {
  const reason = `${request.method} is not served on ${request.pathOnly}; use ${allowed}`;
  refuse(request, response, refusalFault(new ToolError('method_not_allowed', reason)), null, [
    'Allow',
    allowed,
  ]);
}
