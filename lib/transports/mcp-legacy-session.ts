/**
 * One client of the era with sessions (2024-11-05 … 2025-11-25), over HTTP or stdio.
 *
 * L1. The SDK's low-level Server does the handshake, pings and the correlation of our own requests, over a transport
 *     of ours; one Server per session, never shared. Calls and lists do not pass through it: their text is pasted.
 * L2. Every request in flight is known by its id (with its JSON type); a second one with that id is refused, and a
 *     cancelled one ends its exchange.
 * L3. `close` ends what runs and frees everything, any number of times.
 */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { type JSONRPCMessage, ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { JsonSchemaType, JsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/types.js';
import type { Caller, ClientAbilities } from '../protocol/frames.ts';
import { ToolError } from '../protocol/tool-error.ts';
import { abilitiesOf, isLogLevel, LEGACY_ERA } from './mcp-era.ts';
import { faultText, INVALID_PARAMS, INVALID_REQUEST, McpFault } from './mcp-fault.ts';
import { type News, newsMessage } from './mcp-hub.ts';
import {
  isMessageId,
  isObject,
  type McpNotification,
  type McpRequest,
  type McpResponse,
  type MessageId,
  type Params,
  responseText,
} from './mcp-message.ts';
import { uriOf } from './mcp-offer.ts';
import type { Outlet } from './mcp-outlet.ts';
import { isAnswer, questionOf } from './mcp-questions.ts';
import type { Asker, ServedCall } from './mcp-served-call.ts';
import { type McpService, wishesOf } from './mcp-service.ts';
import { SessionTransport } from './mcp-session-transport.ts';

const MAX_SUBSCRIPTIONS = 1000;
/** The longest timer there is: a question waits as long as its call. */
const WHILE_THE_CALL_RUNS_MS = 2 ** 31 - 1;

interface InFlight {
  readonly outlet: Outlet;
  served?: ServedCall;
}

export class LegacySession {
  readonly #service: McpService;
  readonly #caller: Caller;
  readonly #server: Server;
  readonly #transport: SessionTransport;
  readonly #inFlight = new Map<MessageId, InFlight>();
  readonly #subscribed = new Set<string>();
  readonly #unsubscribe: () => void;
  #logLevel: string | undefined;
  #abilities: ClientAbilities | undefined;
  #allowsPartials = false;
  #protocolVersion = '';

  /** @param tell writes a message that belongs to no request. */
  constructor(service: McpService, caller: Caller, tell: (text: string) => void) {
    this.#service = service;
    this.#caller = caller;
    const { identity, instructions, capabilities } = service;
    this.#server = new Server(identity, {
      capabilities,
      jsonSchemaValidator: NO_VALIDATOR,
      ...(instructions === undefined ? {} : { instructions }),
    });
    this.#transport = new SessionTransport((message, related) => this.#write(message, related, tell));
    void this.#server.connect(this.#transport);
    this.#unsubscribe = service.hub.subscribe((news) => this.#tellNews(news, tell));
  }

  /** The negotiated revision; empty before the handshake. */
  get protocolVersion(): string {
    return this.#protocolVersion;
  }

  get callsInFlight(): number {
    return this.#inFlight.size;
  }

  /** Answers a request. Never rejects. */
  async request(request: McpRequest, outlet: Outlet, traceparent?: string): Promise<void> {
    const { id } = request;
    if (this.#inFlight.has(id)) {
      const reason = `id ${JSON.stringify(id)} is in flight; ids are unique among the running requests`;
      return outlet.respond(faultText(id, new McpFault(INVALID_REQUEST, reason)));
    }
    const entry: InFlight = { outlet };
    this.#inFlight.set(id, entry);
    if (!this.#service.handles(request.method)) {
      if (!this.#handleOwn(request, outlet)) this.#transport.receive(request);
      return;
    }
    const wishes = wishesOf(request, this.#logLevel, this.#allowsPartials);
    await this.#service.handle(
      request,
      {
        era: LEGACY_ERA,
        caller: this.#caller,
        abilities: this.#abilities,
        wishes,
        asker: this.#askerOf(id),
        traceparent,
        track: (served) => {
          entry.served = served;
        },
      },
      outlet,
    );
    this.#inFlight.delete(id);
  }

  notification(notification: McpNotification): void {
    const { requestId } = notification.params;
    if (notification.method === 'notifications/cancelled' && isMessageId(requestId)) this.cancel(requestId);
    this.#transport.receive(notification);
  }

  response({ message }: McpResponse): void {
    this.#transport.receiveRaw(message);
  }

  /** Ends a request without a response. */
  cancel(id: MessageId, isStalled = false): void {
    this.#inFlight.get(id)?.served?.drop(isStalled ? 'slow_consumer' : 'cancelled');
  }

  close(): void {
    this.#unsubscribe();
    for (const { served } of this.#inFlight.values()) served?.drop();
    void this.#server.close();
  }

  /** Requests that are ours but belong to this era only. */
  #handleOwn({ id, method, params }: McpRequest, outlet: Outlet): boolean {
    if (
      method !== 'logging/setLevel' &&
      method !== 'resources/subscribe' &&
      method !== 'resources/unsubscribe'
    ) {
      return false;
    }
    try {
      if (method === 'logging/setLevel') this.#setLevel(params);
      else this.#setSubscription(method === 'resources/subscribe', params);
      outlet.respond(responseText(id, '{}'));
    } catch (thrown) {
      outlet.respond(faultText(id, thrown as McpFault));
    }
    this.#inFlight.delete(id);
    return true;
  }

  #setLevel({ level }: Params): void {
    if (!isLogLevel(level)) throw new McpFault(INVALID_PARAMS, `${JSON.stringify(level)} is no log level`);
    this.#logLevel = level;
  }

  #setSubscription(isOn: boolean, params: Params): void {
    const uri = uriOf(params, 'resources/subscribe');
    if (!isOn) return void this.#subscribed.delete(uri);
    this.#service.offer.resourceRead(params, false);
    if (this.#subscribed.size >= MAX_SUBSCRIPTIONS) {
      throw new McpFault(INVALID_REQUEST, `more than ${MAX_SUBSCRIPTIONS} subscriptions; unsubscribe first`);
    }
    this.#subscribed.add(uri);
  }

  #learnClient(): void {
    const capabilities = this.#server.getClientCapabilities() as Params | undefined;
    this.#abilities = abilitiesOf(capabilities);
    const experimental = capabilities?.['experimental'];
    this.#allowsPartials = isObject(experimental) && isObject(experimental['partialResults']);
  }

  #askerOf(id: MessageId): Asker {
    return (ask, call) => {
      const abort = new AbortController();
      call.onEnd(() => abort.abort());
      const question = questionOf(ask) as { method: 'elicitation/create'; params: never };
      this.#server
        .request(question, ResultSchema, {
          relatedRequestId: id,
          signal: abort.signal,
          timeout: WHILE_THE_CALL_RUNS_MS,
        })
        .then(
          (value) =>
            isAnswer(ask.method, value)
              ? call.answer(ask.ask, { value })
              : call.answer(ask.ask, {
                  error: unanswered(`its answer to ${question.method} has no known form`),
                }),
          (error: Error) => call.answer(ask.ask, { error: unanswered(error.message) }),
        );
      return undefined;
    };
  }

  #tellNews(news: News, tell: (text: string) => void): void {
    if (news.type === 'updated' && !this.#subscribed.has(news.uri)) return;
    tell(JSON.stringify({ jsonrpc: '2.0', ...newsMessage(news) }));
  }

  /** What the SDK's Server sends. */
  #write(message: JSONRPCMessage, related: MessageId | undefined, tell: (text: string) => void): void {
    const text = JSON.stringify(message);
    if ('method' in message) {
      if (related === undefined) tell(text);
      else this.#inFlight.get(related)?.outlet.send(text);
      return;
    }
    const { id } = message;
    const entry = id === undefined ? undefined : this.#inFlight.get(id);
    if (!entry || id === undefined) return;
    if ('result' in message && typeof message.result['protocolVersion'] === 'string') {
      this.#protocolVersion = message.result['protocolVersion'];
      this.#learnClient();
    }
    this.#inFlight.delete(id);
    entry.outlet.respond(text);
  }
}

const unanswered = (why: string): ToolError =>
  new ToolError('failed_precondition', `the client did not answer: ${why}`);

/** The SDK builds an AJV instance per Server to check form answers; we never ask through that method. */
const NO_VALIDATOR = {
  getValidator<T>(_schema: JsonSchemaType): JsonSchemaValidator<T> {
    return (input) => ({ valid: true, data: input as T, errorMessage: undefined });
  },
};
