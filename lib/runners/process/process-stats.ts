/** The figures of child processes: those of a pool, and of each child what only a process has. */
import type { RunnerStats, RunnerStatus } from '../runner.ts';
import type { PoolStats, ThreadStats } from '../threads/crew/crew-stats.ts';
import type { ChildProcesses } from './child-processes.ts';

/** One child, where a pool has one thread. */
export interface ProcessStats extends ThreadStats {
  readonly pid: number | null;
  readonly residentBytes: number;
  /** The threads inside, and how often one was replaced. */
  readonly threads: readonly ThreadStats[];
  readonly threadRestarts: number;
}

export interface ProcessPoolStats extends RunnerStats {
  readonly own: Pick<PoolStats['own'], 'summary'> & {
    readonly details: Omit<PoolStats['own']['details'], 'workers'> & {
      readonly workers: readonly ProcessStats[];
    };
  };
}

export function processStats(
  stats: PoolStats,
  children: ChildProcesses | null,
  status: RunnerStatus,
): ProcessPoolStats {
  const { summary, details } = stats.own;
  const workers = details.workers.map((worker): ProcessStats => {
    const child = children?.child(worker.id);
    return {
      ...worker,
      pid: child?.pid ?? null,
      residentBytes: child?.pong?.residentBytes ?? 0,
      threads: child?.pong?.threads ?? [],
      threadRestarts: child?.pong?.restarts ?? 0,
    };
  });
  return { ...stats, status, own: { summary, details: { ...details, workers } } };
}
