/** The thread pool as a runner: what it is called, its options, and where it starts. */
import type { RunnerKind } from '../runner.ts';
import { type ThreadsConfig, threadsOptions } from './options.ts';

export const threads: RunnerKind<typeof threadsOptions, ThreadsConfig> = {
  name: 'threads',
  options: threadsOptions,
  load: () => import('./start.ts'),
};
