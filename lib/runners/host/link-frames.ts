/**
 * What crosses the link between a gateway and a host. Pure data, loaded by both sides.
 *
 * F1. A call is named by a number, unique in its gateway; `error` or `result` is its last frame, and says that its place
 *     in the host is free.
 * F2. A host has no more chunks and bytes of a call outstanding than a thread may have (port/frames), but for the last
 *     event, which it sends as it is.
 * F3. The host's first frame is `ready` or `failed`.
 */
import type { Catalog } from '../../call/catalog.ts';
import type { Defect, ToolLogRecord, UnitEvent } from '../runner.ts';
import type { ThreadStats } from '../threads/crew/crew-stats.ts';
import type { CallTask, HostFrame, ThreadFrame } from '../threads/port/frames.ts';
import type { PoolOptions } from '../threads/worker-pool.ts';

/** What a host starts with; functions do not cross. */
export type HostSettings = Omit<PoolOptions, 'share' | 'threads'>;

/** Gateway → host. */
export type HostRequest =
  | {
      readonly type: 'open';
      readonly settings: HostSettings;
      /** Where calls that have begun are marked for the gateway (port/frames BegunMark). Absent: nowhere. */
      readonly marksFd?: number;
    }
  | CallTask
  | Extract<HostFrame, { readonly type: 'cancel' | 'credit' | 'answer' | 'ping' | 'describe' }>;

/** Host → gateway. */
export type HostReport =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'described'; readonly catalog: Catalog }
  | Extract<
      ThreadFrame,
      { readonly type: 'started' | 'progress' | 'chunks' | 'log' | 'ask' | 'result' | 'error' | 'notice' }
    >
  /** For the gateway's log; what goes to the caller too comes as `log`, in its place among the call's events. */
  | { readonly type: 'record'; readonly record: ToolLogRecord }
  | { readonly type: 'unit'; readonly event: UnitEvent }
  | {
      readonly type: 'defect';
      readonly during: Defect['during'];
      readonly error: string;
      readonly callId: string | null;
    }
  | HostPong;

export interface HostPong {
  readonly type: 'pong';
  readonly utilization: number;
  readonly residentBytes: number;
  readonly threads: readonly ThreadStats[];
  readonly restarts: number;
}
