/**
 * What can run tools: the thread pool today, a remote queue later. Dispatch and the transports know only this.
 */
import type { Catalog } from '../call/catalog.ts';
import type { LogLevel } from '../call/log-level.ts';
import type { CallRequest, RunningCall } from '../call/running-call.ts';

/** Something a thread tells the whole gateway, outside any call's stream. */
export type ToolNotice =
  | { readonly type: 'resource-updated'; readonly uri: string }
  | { readonly type: 'resources-changed' };

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
