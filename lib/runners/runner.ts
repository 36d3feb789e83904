/**
 * What can run tools: the thread pool today, a remote queue later. Dispatch and the transports know only this.
 *
 * R1. A call is one AsyncIterable of events; asking for the next event says that the one before is consumed, and
 *     only then may the tool send more (back-pressure).
 * R2. Exactly one terminal event, `result` or `error`, and it is last. The iterable never throws.
 * R3. `cancel` may be called at any time, any number of times: the caller gets its end at once, chunks that are
 *     already in the gateway first, and the runner frees the thread behind it.
 */

import type { ToolError } from '../call/tool-error.ts';
import type {
  AskMethod,
  Caller,
  CallKind,
  CancelReason,
  Catalog,
  ClientAbilities,
  LogLevel,
  ResultShape,
  ToolNotice,
} from './threads/port/frames.ts';

/** One call as a transport asks for it. What is absent may be undefined, so that a call can be written as one literal. */
export interface CallRequest {
  readonly kind?: CallKind | undefined;
  readonly name: string;
  readonly arguments: unknown;
  readonly caller: Caller;
  /** Milliseconds from admission, the queue wait included; clamped to the tool's and the gateway's own limit. */
  readonly timeoutMs?: number | undefined;
  /** False: the caller wants only the end, and no chunk or progress event is made. */
  readonly streams: boolean;
  /** Bytes of chunk list that the result may repeat. With `streams: false` a longer list fails the call. */
  readonly repeatBytes: number;
  readonly abilities?: ClientAbilities | undefined;
  /** The least level of `log` events wanted; absent: none. */
  readonly logLevel?: LogLevel | undefined;
  readonly requestMeta?: Readonly<Record<string, unknown>> | undefined;
  /** Chosen by the dispatcher when absent. */
  readonly callId?: string;
}

export type ToolEvent =
  /** The tool runs. Told to those who want to see more than the end. */
  | { readonly type: 'started' }
  | {
      readonly type: 'progress';
      readonly progress: number;
      readonly total: number | null;
      readonly message: string;
    }
  /** Consecutive chunks as JSON text; `items[0]` has index `index`. */
  | { readonly type: 'chunks'; readonly index: number; readonly items: readonly string[] }
  | { readonly type: 'log'; readonly level: LogLevel; readonly message: string; readonly data?: string }
  /** The tool asks the client something; answer with `RunningCall.answer`. Only sent where `abilities` allow it. */
  | { readonly type: 'ask'; readonly ask: number; readonly method: AskMethod; readonly params: unknown }
  | ResultEvent
  | ErrorEvent;

export interface ResultEvent {
  readonly type: 'result';
  /** JSON text; null when the repeat of the chunks was left out. */
  readonly data: string | null;
  /** True when `data` is, or would have been, the list of chunks: the tool returned nothing of its own. */
  readonly repeats: boolean;
  readonly shape: ResultShape;
  readonly chunks: number;
  /** JSON text of an object, or null. */
  readonly meta: string | null;
  readonly durationMs: number;
}

export interface ErrorEvent {
  readonly type: 'error';
  readonly error: ToolError;
  readonly chunks: number;
  readonly durationMs: number;
}

export type TerminalEvent = ResultEvent | ErrorEvent;

/** One call in flight. */
export interface RunningCall extends AsyncIterable<ToolEvent> {
  readonly callId: string;
  readonly request: CallRequest;
  /** Whether the tool runs or has run. */
  readonly hasStarted: boolean;
  /** Ends the call; see R3. `message` replaces the default text of the error. */
  cancel(reason: CancelReason, message?: string): void;
  /** Answers an `ask` event: a value, or the reason why there is none. */
  answer(ask: number, outcome: { readonly value: unknown } | { readonly error: ToolError }): void;
  /** Called once with the terminal event, as soon as it is known, even when nobody reads the events. */
  onEnd(listener: (end: TerminalEvent) => void): void;
  /** Consumes all events and gives the terminal one. */
  outcome(): Promise<TerminalEvent>;
}

/** A log record of a tool, on its way to the gateway's log. `callId` is null outside any call. */
export interface ToolLogRecord {
  readonly callId: string | null;
  readonly tool: string | null;
  readonly level: LogLevel;
  readonly message: string;
  /** JSON text. */
  readonly data?: string;
}

export type RunnerStatus = 'ok' | 'degraded' | 'down';

export interface ThreadStats {
  readonly id: number;
  readonly state: 'starting' | 'idle' | 'busy' | 'retiring' | 'killed';
  readonly callsInFlight: number;
  /** Calls that have left the thread, however they ended. */
  readonly completed: number;
  /** Calls ended by an error that escaped them; a thread that dies itself is gone from the list. */
  readonly crashes: number;
  readonly heapUsedBytes: number;
  /** Event-loop utilisation since the last probe, 0 to 1. */
  readonly utilization: number;
  readonly ageSeconds: number;
}

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface RunnerStats {
  readonly status: RunnerStatus;
  readonly workers: {
    readonly min: number;
    readonly max: number;
    readonly alive: number;
    readonly busy: number;
    readonly idle: number;
    readonly starting: number;
    readonly restarts: number;
  };
  readonly queue: { readonly depth: number; readonly limit: number };
  readonly threads: readonly ThreadStats[];
  readonly waitMs: Percentiles;
  readonly runMs: Percentiles;
  readonly scaleUps: number;
  readonly scaleDowns: number;
  /** Threads that died unasked, and calls ended by an error that escaped them. */
  readonly crashes: number;
  /** Threads ended by the gateway because a call did not stop or blocked them. */
  readonly kills: number;
}

/** What the runner tells whoever listens; listeners must not throw. */
export interface RunnerListener {
  log?(record: ToolLogRecord): void;
  notice?(notice: ToolNotice): void;
  /** The catalog was replaced by a reload. */
  catalogChanged?(catalog: Catalog): void;
  /** Something happened to a thread: started, ended, killed, crashed, retired. */
  thread?(event: { readonly kind: string; readonly threadId: number; readonly detail?: string }): void;
}

export interface ToolRunner {
  readonly catalog: Catalog;
  /** Never throws: a call that cannot be admitted is a call whose only event is its error. */
  call(request: CallRequest & { readonly callId: string }): RunningCall;
  stats(): RunnerStats;
  listen(listener: RunnerListener): void;
  /** Ends what still runs with `unavailable` and stops the threads. */
  close(): Promise<void>;
}
