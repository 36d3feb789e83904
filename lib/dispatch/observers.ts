/**
 * Everybody who watches a gateway: its log, its statistics, and who asked by `gateway.observe`. One guarded list, so
 * that whatever goes wrong in a watcher stays there.
 */
import { GuardedList } from '../async/guarded-list.ts';
import type { TerminalEvent } from '../call/call-events.ts';
import type { Caller } from '../call/caller.ts';
import type { CallKind } from '../call/catalog.ts';
import type { RequestOrigin, RpcOrigin } from '../call/running-call.ts';
import type { TraceContext } from '../call/trace-context.ts';
import type { RunnerListener, UnitEvent } from '../runners/runner.ts';

/** A call, as observers know it. */
export interface StartedCall {
  readonly callId: string;
  readonly kind: CallKind;
  readonly name: string;
  readonly caller: Caller;
  /** Absent where no request of a client brought the call. */
  readonly origin?: RequestOrigin | undefined;
  /** Absent: it came by another protocol than MCP. */
  readonly rpc?: RpcOrigin | undefined;
  /** The trace that it belongs to, and in it the call's own span where spans are written. */
  readonly trace?: TraceContext | undefined;
}

/** What observers learn of each call, once, at its end. */
export interface CallRecord extends StartedCall {
  readonly end: TerminalEvent;
  /** Whether its tool has run. */
  readonly hasRun: boolean;
  /** How often its tool was run again after a crash. Absent: never. */
  readonly retries?: number;
}

/** A progress report on its way to the caller. */
export interface ProgressRecord extends StartedCall {
  readonly progress: number;
  readonly total: number | null;
  readonly message: string;
}

/**
 * Watches a gateway; every method is optional. `log` is told what LOG_LEVEL lets through. They are called where the thing happens, so they should be quick; what
 * one throws, or rejects with, is logged once and counted, and harms neither calls nor threads.
 */
export interface GatewayObserver extends RunnerListener {
  /** A call was taken in, or refused: `ended` follows in any case. */
  started?(call: StartedCall): void;
  ended?(record: CallRecord): void;
  /** Of streamed calls that start from now on, as far as their callers read. Costs nothing while nobody asks for it. */
  progress?(record: ProgressRecord): void;
  /** A `unit` event of a thread. */
  thread?(event: UnitEvent): void;
}

export class Observers extends GuardedList<GatewayObserver> {
  constructor() {
    const hooks = [
      'started',
      'ended',
      'progress',
      'log',
      'notice',
      'catalogChanged',
      'reloadWanted',
    ] as const;
    super([...hooks, 'unit', 'thread', 'defect'], (hook, error) => {
      if (hook !== 'defect') this.tell('defect', { during: `an observer of "${hook}"`, error, callId: null });
    });
  }

  /** Passes on what a runner tells. */
  forRunner(): RunnerListener {
    return {
      log: (record) => this.tell('log', record),
      notice: (notice) => this.tell('notice', notice),
      reloadWanted: () => this.tell('reloadWanted', undefined),
      unit: (event) => {
        this.tell('unit', event);
        if (event.unit === 'thread') this.tell('thread', event);
      },
      defect: (defect) => this.tell('defect', defect),
    };
  }
}
