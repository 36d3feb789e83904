/** Threads in child processes as a runner. Its options are those of the thread pool, which says where tools run. */
import type { RunnerKind } from '../runner.ts';
import type { ThreadsConfig } from '../threads/options.ts';

const NONE: object = {};

export const process: RunnerKind<typeof NONE, readonly [], ThreadsConfig> = {
  order: 1,
  options: NONE,
  rules: [],
  load: () => import('./start.ts'),
};
