/**
 * One call on its way to a server and back: turns what the server says into the events that a transport reads.
 *
 * C1. Exactly one end. A cancelled call ends for its caller at once; its server is told, and what it still says is dropped.
 * C2. While its reader is behind by more than a fixed amount the server is not read (protocol/wire.ts W2).
 * C3. A reader of MCP gets every report of progress; for the others more than twenty a second are thinned, the last is
 *     always told.
 * C4. Results are pasted as the server wrote them; only what has to be known of them is parsed.
 */
import { cancelError, outcomeOf } from '../../call/call-ending.ts';
import type { TerminalEvent, ToolEvent } from '../../call/call-events.ts';
import { LOG_RANK } from '../../call/log-level.ts';
import type { CancelReason, RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { TraceContext } from '../../call/trace-context.ts';
import type { AdmittedCall, Defect } from '../runner.ts';
import type { UriMap } from './catalog/names.ts';
import type { CarriedCall, Connection } from './connection.ts';
import type { Waiting } from './line.ts';
import { ProgressThinning } from './progress-thinning.ts';
import { elementsOf, memberOf } from './protocol/json-spans.ts';
import {
  callErrorOf,
  type Fields,
  INVALID_PARAMS,
  isObject,
  LEVELS,
  OWN_PREFIX,
  PROTOCOL_PREFIX,
  type RpcError,
  textOf,
} from './protocol/message.ts';
import type { Reply } from './protocol/peer.ts';
import type { RequestId } from './protocol/wire.ts';
import { capabilitiesOf, Questions } from './questions.ts';
import { readResult } from './results.ts';

/** What the call is for, at its server. */
export interface Target {
  readonly method: string;
  /** The tool, prompt or URI. */
  readonly name: string;
  /** JSON text of the members of its params, `_meta` apart. */
  readonly body: string;
  /** Of the server. */
  readonly server: string;
  readonly uris: UriMap;
  /** Whether it may be made twice. */
  readonly isRepeatable: boolean;
  readonly maxResultBytes: number;
}

export interface UpstreamCallHost {
  ended(call: UpstreamCall): void;
  defect(defect: Defect): void;
}

const MOST_EVENTS = 512;
const MOST_BYTES = 256 * 1024;
const FEW_EVENTS = 64;
const FEW_BYTES = 64 * 1024;
const MOST_LOGS = 1000;
const CHUNK = `${OWN_PREFIX}chunk`;

export class UpstreamCall implements RunningCall, AsyncIterator<ToolEvent>, Waiting, CarriedCall {
  readonly callId: string;
  readonly request: AdmittedCall;
  readonly #target: Target | null;
  readonly #host: UpstreamCallHost;
  readonly #createdAt = performance.now();
  /** The span of the run, where spans are written; else what the caller sent. */
  #trace: TraceContext | undefined;
  #startedAt: number | null = null;
  #connection: Connection | null = null;
  #id: RequestId = 0;
  /** Takes back the wish for a connection. */
  #leaveLine: (() => void) | null = null;

  #events: ToolEvent[] = [];
  #head = 0;
  #bytes = 0;
  #isHeld = false;
  #reader: ((step: IteratorResult<ToolEvent>) => void) | null = null;
  #end: TerminalEvent | null = null;
  #endListeners: ((end: TerminalEvent) => void)[] = [];
  #chunks = 0;

  /** Made with the first report that it is for: most calls report nothing. */
  #thinning: ProgressThinning | null = null;
  #use: ((waiting: Waiting) => () => void) | null = null;
  #isSecondTry = false;
  #questions: Questions | null = null;

  constructor(request: AdmittedCall, target: Target | null, host: UpstreamCallHost) {
    this.callId = request.callId;
    this.request = request;
    this.#target = target;
    this.#host = host;
  }

  /** @param use asks for a connection. */
  begin(use: (waiting: Waiting) => () => void): void {
    this.#use = use;
    const leave = use(this);
    if (this.#end === null && this.#connection === null) this.#leaveLine = leave;
  }

  get hasStarted(): boolean {
    return this.#startedAt !== null;
  }

  /** Milliseconds from admission until it was sent, or until now. */
  get waitedMs(): number {
    return (this.#startedAt ?? performance.now()) - this.#createdAt;
  }

  get ranMs(): number {
    return this.#startedAt === null ? 0 : performance.now() - this.#startedAt;
  }

  ready(connection: Connection): void {
    const target = this.#target;
    if (this.#end !== null || !target) return;
    const { logLevel } = this.request;
    this.#leaveLine = null;
    this.#connection = connection;
    if (logLevel !== undefined) connection.wantLevel(logLevel);
    this.#startedAt = performance.now();
    if (this.request.streams && !this.#isSecondTry) this.#emit({ type: 'started' });
    const { runs, trace } = this.request;
    this.#trace = runs ? runs() : trace;
    this.#send(connection, target, target.body);
  }

  #send(connection: Connection, target: Target, body: string): void {
    const params = (id: RequestId, isStateless: boolean) => ({ body, meta: this.#meta(id, isStateless) });
    this.#id = connection.carry(target.method, target.name, params, this);
  }

  /** Asks the caller what the server wants to know, and makes the call again with the answers. */
  #askAll(result: Fields, connection: Connection, target: Target): void {
    this.#id = 0;
    const again = (members: string) => {
      if (this.#end !== null) return;
      if (this.#connection !== connection || connection.isLost) return this.lost('was lost', false);
      this.#send(connection, target, `${target.body},${members}`);
    };
    this.#asking.askAll(result, again, (error) => this.fail(error));
  }

  /** What the caller's client says goes on, but for what belongs to its own connection; the trace as it is here. */
  #meta(id: RequestId, isStateless: boolean): Fields {
    const { requestMeta = {}, streams, logLevel } = this.request;
    // Keys of the stateless era make a server of both eras take a request for one of that.
    const ofEra = isStateless && {
      [`${PROTOCOL_PREFIX}clientCapabilities`]: capabilitiesOf(this.request),
      ...(logLevel === undefined ? {} : { [`${PROTOCOL_PREFIX}logLevel`]: logLevel }),
    };
    const passed = Object.entries(requestMeta).filter(
      ([key]) => key !== 'progressToken' && key !== 'partialResultToken' && !key.startsWith(PROTOCOL_PREFIX),
    );
    return {
      ...Object.fromEntries(passed),
      ...this.#trace,
      ...(streams ? { progressToken: id } : {}),
      ...ofEra,
    };
  }

  refused(error: ToolError): void {
    this.fail(error);
  }

  progress(params: Fields, text: string): void {
    if (this.#end !== null || !this.request.streams) return;
    const { progress, total, message } = params;
    const meta = params['_meta'];
    const chunk = isObject(meta) && isObject(meta[CHUNK]) ? meta[CHUNK] : undefined;
    const isReport = !chunk || chunk['reported'] === true || typeof message === 'string';
    if (isReport && typeof progress === 'number') {
      this.#report({
        type: 'progress',
        progress,
        total: typeof total === 'number' ? total : null,
        message: textOf(message) ?? '',
      });
    }
    if (chunk && Array.isArray(chunk['items'])) this.#onChunk(text);
  }

  #onChunk(text: string): void {
    const inside = (of: string, member: string): string => memberOf(of, member) ?? '{}';
    const written = inside(inside(inside(text, 'params'), '_meta'), CHUNK);
    const items = elementsOf(memberOf(written, 'items') ?? '[]');
    if (items.length === 0) return;
    const index = this.#chunks;
    this.#chunks += items.length;
    const size = items.reduce((sum, item) => sum + item.length, 0);
    this.#emit({ type: 'chunks', index, items, size });
  }

  #report(event: Extract<ToolEvent, { type: 'progress' }>): void {
    if (this.request.everyProgress) this.#emit(event);
    else {
      this.#thinning ??= new ProgressThinning((one) => this.#emit(one));
      this.#thinning.report(event);
    }
  }

  log(params: Fields, text: string): void {
    const { logLevel } = this.request;
    const level = LEVELS[String(params['level'])] ?? 'info';
    if (this.#end !== null || logLevel === undefined || LOG_RANK[level] < LOG_RANK[logLevel]) return;
    if (this.#unread >= MOST_LOGS) return;
    const { data } = params;
    const message = typeof data === 'string' ? data : JSON.stringify(data ?? null);
    this.#emit({ type: 'log', level, message, relayed: text });
  }

  ask(method: string, params: Fields, reply: Reply): void {
    if (this.#end === null) this.#asking.ask(method, params, reply);
    else reply({ error: { code: INVALID_PARAMS, message: 'the call has ended' } });
  }

  answer(ask: number, outcome: { readonly value: unknown } | { readonly error: ToolError }): void {
    this.#questions?.answer(ask, outcome);
  }

  /** Made with the first question: most calls ask none. */
  get #asking(): Questions {
    this.#questions ??= new Questions(this.request, (event) => this.#emit(event));
    return this.#questions;
  }

  result(result: unknown, text: string): void {
    const [connection, target] = [this.#connection, this.#target];
    if (this.#end !== null || !target) return;
    if (connection?.isStateless && isObject(result) && result['resultType'] === 'input_required')
      return this.#askAll(result, connection, target);
    try {
      const { kind = 'tool', repeatBytes, streams } = this.request;
      const read = readResult(kind, result, text, target, connection?.isOwn === true);
      if (read.error) return this.fail(read.error, read.relayed);
      const chunks = read.chunks ?? this.#chunks;
      const isRepeated = read.chunks !== undefined;
      const data =
        isRepeated && streams && (read.data?.length ?? 0) > repeatBytes ? null : (read.data ?? null);
      this.#finish({
        type: 'result',
        data,
        repeats: isRepeated,
        shape: read.shape,
        chunks,
        meta: read.meta,
        durationMs: this.#durationMs(),
        ...(read.relayed === undefined ? {} : { relayed: read.relayed }),
      });
    } catch (error) {
      this.#host.defect({ during: 'a result of a server', error, callId: this.callId });
      this.fail(new ToolError('internal', 'the gateway failed to read the result; its log has the cause'));
    }
  }

  error(error: RpcError): void {
    this.fail(callErrorOf(error));
  }

  tooLong(): void {
    const { server = '', maxResultBytes = 0 } = this.#target ?? {};
    const message = `the answer of the server "${server}" is longer than ${maxResultBytes} bytes (MAX_RESULT_BYTES); ask for less`;
    this.fail(new ToolError('result_too_large', message));
  }

  lost(reason: string, isUnrun: boolean): void {
    const use = this.#use;
    this.#connection = null;
    this.#id = 0;
    if (isUnrun && use && !this.#isSecondTry && this.#end === null) {
      this.#isSecondTry = true;
      // The connection knows by then that it is lost.
      setImmediate(() => {
        if (this.#end === null) this.begin(use);
      });
      return;
    }
    const { server = '', isRepeatable = false } = this.#target ?? {};
    const message = `the server "${server}" ${reason} while the call ran`;
    this.fail(new ToolError('worker_crashed', message, { retryable: isRepeatable }));
  }

  /** Ends the call with an error, unless it has ended. @param relayed the result that says so, as its server wrote it. */
  fail(error: ToolError, relayed?: string): void {
    this.#finish({
      type: 'error',
      error,
      chunks: this.#chunks,
      durationMs: this.#durationMs(),
      ...(relayed === undefined ? {} : { relayed }),
    });
  }

  cancel(reason: CancelReason, message?: string): void {
    if (this.#end !== null) return;
    const error = cancelError(reason, message);
    this.fail(error);
    this.#leaveLine?.();
    if (this.#id !== 0) this.#connection?.drop(this.#id, error.message);
  }

  onEnd(listener: (end: TerminalEvent) => void): void {
    if (this.#end === null) this.#endListeners.push(listener);
    else listener(this.#end);
  }

  outcome(): Promise<TerminalEvent> {
    return outcomeOf(this, this.callId);
  }

  [Symbol.asyncIterator](): AsyncIterator<ToolEvent> {
    return this;
  }

  next(): Promise<IteratorResult<ToolEvent>> {
    const event = this.#events[this.#head];
    if (event) {
      this.#head++;
      this.#bytes -= sizeOf(event);
      if (this.#head > 256 && this.#head * 2 > this.#events.length) {
        this.#events = this.#events.slice(this.#head);
        this.#head = 0;
      }
      if (this.#isHeld && this.#unread <= FEW_EVENTS && this.#bytes <= FEW_BYTES) this.#hold(false);
      return Promise.resolve({ done: false, value: event });
    }
    if (this.#end !== null) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  return(): Promise<IteratorResult<ToolEvent>> {
    this.cancel('cancelled', 'the reader of the call left');
    this.#events = [];
    this.#head = 0;
    return Promise.resolve({ done: true, value: undefined });
  }

  get #unread(): number {
    return this.#events.length - this.#head;
  }

  #emit(event: ToolEvent): void {
    const reader = this.#reader;
    if (reader) {
      this.#reader = null;
      return reader({ done: false, value: event });
    }
    this.#events.push(event);
    this.#bytes += sizeOf(event);
    if (!this.#isHeld && this.#end === null && (this.#unread > MOST_EVENTS || this.#bytes > MOST_BYTES))
      this.#hold(true);
  }

  #hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (this.#id !== 0) this.#connection?.hold(isHeld, this.#id);
  }

  #durationMs(): number {
    return Math.round((performance.now() - this.#createdAt) * 1000) / 1000;
  }

  #finish(end: TerminalEvent): void {
    if (this.#end !== null) return;
    this.#thinning?.flush();
    this.#end = end;
    if (this.#isHeld) this.#hold(false);
    this.#questions?.end();
    this.#emit(end);
    this.#host.ended(this);
    for (const listener of this.#endListeners.splice(0)) {
      try {
        listener(end);
      } catch (error) {
        this.#host.defect({ during: 'a listener for the end of a call', error, callId: this.callId });
      }
    }
  }
}

function sizeOf(event: ToolEvent): number {
  if (event.type === 'chunks') return event.size ?? 0;
  if (event.type === 'progress') return 64 + event.message.length;
  return event.type === 'log' ? event.message.length : 0;
}
