/**
 * The threads of a pool in numbers, as `/health` and `/stats` tell them.
 */
import type { RunnerStats } from '../../runner.ts';
import type { ThreadLink } from './thread-link.ts';

/** Everything of RunnerStats that concerns threads. */
export type CrewStats = Omit<RunnerStats, 'queue' | 'waitMs' | 'runMs'>;

/** What happened to threads since the start. */
export type CrewCounts = Record<'scaleUps' | 'scaleDowns' | 'crashes' | 'kills' | 'restarts', number>;

type Size = Pick<RunnerStats['workers'], 'min' | 'max' | 'alive' | 'starting'>;

export function crewStats(
  links: Iterable<ThreadLink>,
  size: Size,
  { restarts, ...counts }: Readonly<CrewCounts>,
): CrewStats {
  const threads = [...links].map((link) => link.stats());
  const idle = threads.filter(({ state }) => state === 'idle').length;
  const open = idle + threads.filter(({ state }) => state === 'busy').length;
  const busy = threads.filter(({ state, callsInFlight }) => callsInFlight > 0 || state === 'killed').length;
  return {
    status: open === 0 && busy === 0 ? 'down' : open + size.starting < size.min ? 'degraded' : 'ok',
    workers: { ...size, busy, idle, restarts },
    threads,
    ...counts,
  };
}
