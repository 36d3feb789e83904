/**
 * A session of the HTTP+SSE transport (2024-11-05): the era's session, and the one stream on which everything that the
 * client is told goes out, answers included.
 *
 * L1. It lives as long as its stream: a client that leaves ends what it asked for, and nothing is resumed.
 * L2. The answer to a request goes out apart from what was told before it: clients that read both at once drop that.
 */
import type { McpFault } from '../fault.ts';
import { type IncomingMcpMessage, readMessage } from '../message.ts';
import type { Outlet } from '../outlet.ts';
import type { McpService } from '../service.ts';
import { Session } from '../sessions/session.ts';
import type { McpReply } from './reply.ts';
import type { KeptSession } from './session-table.ts';

type GoodMessage = Exclude<IncomingMcpMessage, { kind: 'invalid' }>;

export interface LegacySessionOptions {
  readonly service: McpService;
  readonly id: string;
  readonly keyId: string;
  /** The response to the request that opened it. */
  readonly stream: McpReply;
}

/** Names of events: the second tells the client where to send its messages, and comes first. */
const MESSAGE = 'message';
const ENDPOINT = 'endpoint';
/** How long the last answers may take to leave. */
const LAST_WORDS_MS = 20;

export class LegacySession implements KeptSession {
  readonly id: string;
  readonly keyId: string;
  readonly isIdle = false;
  readonly hasBegun = true;
  readonly openStreams = 1;
  readonly #stream: McpReply;
  readonly #session: Session;
  #lastUsed = performance.now();

  constructor({ service, id, keyId, stream }: LegacySessionOptions) {
    this.id = id;
    this.keyId = keyId;
    this.#stream = stream;
    this.#session = new Session(service, { keyId, transport: service.transport }, (text) => {
      stream.event(text, undefined, MESSAGE);
      return stream.drained();
    });
  }

  get lastUsed(): number {
    return this.#lastUsed;
  }

  get onlyListens(): boolean {
    return this.#session.callsInFlight + this.#session.tasksRunning === 0;
  }

  /** Begins the stream. @param path where the client sends its messages. */
  open(path: string): void {
    this.#stream.event(path, undefined, ENDPOINT);
  }

  /** What a POST brought, as messages: a batch has several, in the one revision that knows batches. */
  messagesOf(body: unknown): readonly IncomingMcpMessage[] {
    const isBatch = Array.isArray(body) && body.length > 0 && this.#session.protocolVersion === '2025-03-26';
    return isBatch ? body.map(readMessage) : [readMessage(body)];
  }

  take(message: GoodMessage, traceparent: string | undefined): void {
    this.#lastUsed = performance.now();
    if (message.kind === 'notification') this.#session.notification(message);
    else if (message.kind === 'response') this.#session.response(message);
    else void this.#session.request(message, new LegacyOutlet(this.#stream), traceparent);
  }

  /** @param isStalled whether its reader stood still. */
  close(isStalled = false): void {
    this.#session.close(isStalled);
    setTimeout(() => this.#stream.end(), LAST_WORDS_MS);
  }
}

/** The outlet of one request: its part of the stream. */
class LegacyOutlet implements Outlet {
  readonly #stream: McpReply;
  #hasSent = false;
  #isDone = false;

  constructor(stream: McpReply) {
    this.#stream = stream;
  }

  named(): void {}

  open(): void {}

  send(text: string): void {
    if (this.#isDone) return;
    this.#hasSent = true;
    this.#stream.event(text, undefined, MESSAGE);
  }

  ready(): Promise<void> | undefined {
    return this.#stream.drained();
  }

  respond(text: string, _fault?: Pick<McpFault, 'status' | 'headers'>): void {
    if (this.#isDone) return;
    this.#isDone = true;
    if (this.#hasSent) this.#stream.eventApart(text, MESSAGE);
    else this.#stream.event(text, undefined, MESSAGE);
  }

  abandon(): void {
    this.#isDone = true;
  }
}
