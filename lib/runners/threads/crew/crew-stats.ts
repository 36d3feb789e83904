/**
 * The threads of a pool in numbers: the part of a runner's figures that only threads have, under the keys that
 * `/health` and `/stats` show.
 */
import type { RunnerStats, RunnerStatus } from '../../runner.ts';

/** A call on a thread. */
export interface ThreadCall {
  readonly callId: string;
  /** Of the tool, or what else runs. */
  readonly name: string;
}

export interface ThreadStats {
  readonly id: number;
  readonly state: 'starting' | 'idle' | 'busy' | 'retiring' | 'killed';
  readonly callsInFlight: number;
  /** The oldest of them, a few. */
  readonly calls: readonly ThreadCall[];
  /** Calls that have left the thread, however they ended. */
  readonly completed: number;
  /** Calls ended by an error that escaped them; a thread that dies itself is gone from the list. */
  readonly crashes: number;
  readonly heapUsedBytes: number;
  /** Event-loop utilisation since the last probe, 0 to 1. */
  readonly utilization: number;
  readonly ageSeconds: number;
}

/** What happened to threads since the start. */
export interface CrewCounts {
  scaleUps: number;
  scaleDowns: number;
  /** Threads that died unasked, and calls ended by an error that escaped them. */
  crashes: number;
  /** Threads ended by the gateway because a call did not stop or blocked them. */
  kills: number;
  restarts: number;
}

/** Threads by what they do. */
export interface CrewSize {
  readonly min: number;
  readonly max: number;
  readonly alive: number;
  readonly busy: number;
  readonly idle: number;
  readonly starting: number;
  readonly restarts: number;
  /** Threads that were ended and live on, since they are in native code. Absent: none. */
  readonly stuck?: number;
}

export interface CrewStats {
  readonly status: RunnerStatus;
  readonly workers: CrewSize;
  readonly threads: readonly ThreadStats[];
  readonly counts: Readonly<CrewCounts>;
}

/** A pool's figures. */
export interface PoolStats extends RunnerStats {
  readonly own: {
    readonly summary: { readonly workers: CrewSize };
    readonly details: {
      readonly workers: readonly ThreadStats[];
      readonly pool: Pick<CrewSize, 'min' | 'max' | 'alive' | 'stuck'> & {
        readonly queueDepth: number;
      } & Readonly<CrewCounts> &
        Pick<RunnerStats, 'waitMs' | 'runMs'>;
    };
  };
}

type Counted = Pick<CrewSize, 'min' | 'max' | 'alive' | 'starting' | 'stuck'>;

/** @param trouble why calls need not wait for a thread, as `startTrouble` of the crew says; null: one may come. */
export function crewStats(
  links: Iterable<{ stats(): ThreadStats }>,
  size: Counted,
  counts: Readonly<CrewCounts>,
  trouble: string | null,
): CrewStats {
  const threads = [...links].map((link) => link.stats());
  const idle = threads.filter(({ state }) => state === 'idle').length;
  const open = idle + threads.filter(({ state }) => state === 'busy').length;
  const busy = threads.filter(({ state, callsInFlight }) => callsInFlight > 0 || state === 'killed').length;
  // Where none need be, none is missing. Threads that crashed all at once are being replaced: calls wait for them.
  const isEmpty = open === 0 && busy === 0 && size.min > 0;
  const isDown = isEmpty && (size.starting === 0 || trouble !== null);
  const isShort = isEmpty || open + size.starting < size.min || size.stuck !== undefined;
  return {
    status: isDown ? 'down' : isShort ? 'degraded' : 'ok',
    workers: { ...size, busy, idle, restarts: counts.restarts },
    threads,
    counts,
  };
}

/** @param rest what the pool knows beside its threads. */
export function poolStats(
  { status, workers, threads, counts }: CrewStats,
  rest: Pick<RunnerStats, 'queue' | 'waitMs' | 'waits' | 'runMs'>,
): PoolStats {
  const { min, max, alive, stuck } = workers;
  const { restarts, scaleUps, scaleDowns, crashes, kills } = counts;
  const { queue, waitMs, runMs } = rest;
  const onThreads = threads.reduce((sum, { callsInFlight }) => sum + callsInFlight, 0);
  return {
    status,
    callsInFlight: queue.depth + onThreads,
    ...rest,
    units: { busy: workers.busy, idle: workers.idle, starting: workers.starting },
    own: {
      summary: { workers },
      details: {
        workers: threads,
        pool: {
          min,
          max,
          alive,
          ...(stuck === undefined ? {} : { stuck }),
          queueDepth: queue.depth,
          restarts,
          scaleUps,
          scaleDowns,
          crashes,
          kills,
          waitMs,
          runMs,
        },
      },
    },
  };
}
