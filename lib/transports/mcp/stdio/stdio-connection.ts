/**
 * MCP over stdio: one client on stdin and stdout, both eras of the protocol, told apart by each message.
 *
 * S1. Nothing but JSON-RPC lines goes to stdout. A line that is none is answered and skipped; nothing that comes in
 *     ends the server but the end of stdin, up to which everything is read, whether or not a line end comes last.
 * S2. Progress reaches the client before the result, never in one write with it.
 * S3. When stdin ends, what runs has two seconds to end (so that piped requests are answered) and is then cancelled, which
 *     is an answer too; when stdout breaks, it is cancelled at once. Then the promise settles and the caller exits.
 * S4. No line is longer than the clients of the official SDKs take: they would drop the connection (message-size.ts).
 * S5. When the gateway stops, its calls have been cancelled: their ends are still written.
 */
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { LineReader } from '../../../async/line-reader.ts';
import { TransitMap } from '../../../async/transit-map.ts';
import type { Caller } from '../../../call/caller.ts';
import { ToolError } from '../../../call/tool-error.ts';
import { parseJsonText } from '../../rendering/bounded-json.ts';
import { faultText, INVALID_REQUEST, McpFault, malformed, PARSE_ERROR, refusalFault } from '../fault.ts';
import {
  type IncomingMcpMessage,
  isMessageId,
  jsonText,
  type McpNotification,
  type McpRequest,
  type MessageId,
  readMessage,
} from '../message.ts';
import { McpService, type McpServiceOptions } from '../service.ts';
import { Session } from '../sessions/session.ts';
import { checkVersion, isStatelessRequest, readEnvelope } from '../stateless/envelope.ts';
import { ExtensionTasks } from '../stateless/extension-tasks.ts';
import { StatelessRequests } from '../stateless/stateless-requests.ts';
import { Subscriptions } from '../stateless/subscriptions.ts';
import { MAX_LINE_BYTES, MessageLines } from './message-lines.ts';
import { RunningCalls } from './running-calls.ts';
import { StdioOutlet } from './stdio-outlet.ts';

export interface McpStdioOptions extends McpServiceOptions {
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** Longer lines are refused and skipped. */
  readonly maxLineBytes: number;
  /** Ends the connection as a client that leaves does. */
  readonly signal: AbortSignal;
}

/** Serves until stdin ends, stdout breaks or the signal aborts. Never rejects. */
export function serveMcpStdio(options: McpStdioOptions): Promise<void> {
  return new Promise((resolve) => {
    const connection = new StdioConnection(options);
    const end = () => {
      connection.close();
      resolve();
    };
    const { stdin, stdout, signal } = options;
    stdin.on('data', (bytes: Buffer) => connection.read(bytes));
    stdin.once('end', () => connection.readEnd().finish().catch(connection.defect).then(end));
    stdin.once('close', () => stdin.readableEnded || end());
    stdout.once('close', end);
    stdout.on('error', end);
    const stop = () => void connection.whenIdle(LAST_WORDS_MS).catch(connection.defect).then(end);
    signal.addEventListener('abort', stop, { once: true });
  });
}

const EOF_GRACE_MS = 2000;
/** How long the ends of cancelled calls may take to leave. */
const LAST_WORDS_MS = 500;
/** Requests of the stateless era that may run at once; the other era is bounded by the same. */
const MAX_IN_FLIGHT = 1024;

class StdioConnection {
  readonly #caller: Caller;
  readonly #service: McpService;
  readonly #writer: MessageLines;
  readonly #lines: LineReader;
  readonly #session: Session;
  readonly #statelessRequests: StatelessRequests;
  readonly #subscriptions: Subscriptions;
  readonly #calls = new RunningCalls();
  /** What runs of the stateless era, by request id. */
  readonly #inFlight = new TransitMap<MessageId, { drop: () => void }>();
  #isClosed = false;

  constructor(options: McpStdioOptions) {
    const service = new McpService({
      ...options,
      onCall: this.#calls.note,
      maxMessageBytes: MAX_LINE_BYTES,
    });
    this.#service = service;
    this.#caller = { keyId: 'stdio', transport: service.transport };
    const { maxLineBytes } = options;
    this.#writer = new MessageLines(options.stdout, options.log);
    this.#lines = new LineReader(maxLineBytes, {
      line: (text) => this.#line(text),
      tooLong: () =>
        this.#refuse(new McpFault(INVALID_REQUEST, `a line is longer than ${maxLineBytes} bytes`)),
      notUtf8: () => this.#refuse(new McpFault(PARSE_ERROR, 'a line is not valid UTF-8')),
    });
    this.#session = new Session(service, this.#caller, (text) => {
      this.#writer.write(text);
      return this.#writer.drained();
    });
    const tasks = new ExtensionTasks(service);
    this.#subscriptions = new Subscriptions(service, tasks);
    this.#statelessRequests = new StatelessRequests(service, tasks, this.#subscriptions);
  }

  readonly defect = (thrown: unknown): void => void this.#service.faultOf(thrown, {});

  read(bytes: Buffer): void {
    if (!this.#isClosed) this.#lines.push(bytes);
  }

  /** What came after the last line end is a line too. */
  readEnd(): this {
    if (!this.#isClosed) this.#lines.end();
    return this;
  }

  /** Nothing more comes: what runs may end for a while, and is ended then. */
  async finish(): Promise<void> {
    await this.whenIdle(EOF_GRACE_MS);
    this.#calls.end();
    await this.whenIdle(LAST_WORDS_MS);
  }

  /** Settles when no request runs and everything is written, at the latest after `graceMs`. */
  async whenIdle(graceMs: number): Promise<void> {
    const until = performance.now() + graceMs;
    while (this.#requestsInFlight + this.#writer.heldBack > 0 && performance.now() < until) await sleep(10);
    await Promise.race([this.#writer.flushed(), sleep(Math.max(0, until - performance.now()))]);
  }

  get #requestsInFlight(): number {
    return this.#inFlight.size - this.#subscriptions.size + this.#session.callsInFlight;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#writer.abandon();
    for (const { drop } of this.#inFlight.values()) drop();
    this.#statelessRequests.close();
    this.#session.close();
  }

  #line(text: string): void {
    let value: unknown;
    try {
      value = parseJsonText(text);
    } catch (thrown) {
      return this.#refuse(this.#service.faultOf(thrown, {}));
    }
    if (Array.isArray(value) && value.length > 0 && this.#session.protocolVersion === '2025-03-26') {
      for (const one of value) this.#take(readMessage(one));
    } else this.#take(readMessage(value));
  }

  /** Never throws: a defect is told to whoever waits for an answer, and the next line is read as ever. */
  #take(message: IncomingMcpMessage): void {
    try {
      this.#message(message);
    } catch (thrown) {
      const fault = this.#service.faultOf(thrown, {
        method: 'method' in message ? message.method : undefined,
      });
      if (message.kind === 'request') this.#refuse(fault, message.id);
    }
  }

  #message(message: IncomingMcpMessage): void {
    switch (message.kind) {
      case 'invalid':
        return this.#refuse(malformed(message), message.id);
      case 'response':
        return this.#session.response(message);
      case 'notification':
        return this.#notification(message);
      case 'request':
        return this.#request(message);
    }
  }

  #notification(notification: McpNotification): void {
    const { requestId } = notification.params;
    const running =
      notification.method === 'notifications/cancelled' && isMessageId(requestId)
        ? this.#inFlight.get(requestId)
        : undefined;
    if (running) running.drop();
    else this.#session.notification(notification);
  }

  #request(request: McpRequest): void {
    const isStateless =
      isStatelessRequest(request.params) ||
      (request.method === 'server/discover' && this.#session.protocolVersion === '');
    if (this.#inFlight.size + this.#session.callsInFlight >= MAX_IN_FLIGHT) {
      const error = new ToolError('overloaded', `${MAX_IN_FLIGHT} requests are in flight`, {
        retryAfterMs: 1000,
      });
      return this.#refuse(refusalFault(error), request.id);
    }
    const outlet = new StdioOutlet(this.#writer, request.id);
    if (isStateless) void this.#stateless(request, outlet);
    else void this.#session.request(request, outlet);
  }

  async #stateless(request: McpRequest, outlet: StdioOutlet): Promise<void> {
    const { id, method } = request;
    try {
      const envelope = readEnvelope(request);
      checkVersion(envelope.version);
      if (this.#inFlight.has(id)) throw new McpFault(INVALID_REQUEST, `id ${jsonText(id)} is in flight`);
      outlet.onEnd(() => this.#inFlight.delete(id));
      const track = (served: { drop(): void }) => this.#inFlight.set(id, { drop: () => served.drop() });
      await this.#statelessRequests.handle(request, envelope, { caller: this.#caller, track }, outlet);
    } catch (thrown) {
      this.#refuse(this.#service.faultOf(thrown, { method }), id);
    }
  }

  #refuse(fault: McpFault, id: MessageId | null = null): void {
    if (!this.#writer.write(faultText(id, fault))) this.#writer.write(faultText(null, fault));
  }
}
