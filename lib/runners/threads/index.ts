/** The thread pool as a runner: what it is called, its options, and where it starts. */
import type { RunnerKind } from '../runner.ts';
import { type ThreadsConfig, threadsOptions, threadsRules } from './options.ts';

export const threads: RunnerKind<typeof threadsOptions, typeof threadsRules, ThreadsConfig> = {
  name: 'threads',
  order: 0,
  options: threadsOptions,
  rules: threadsRules,
  load: () => import('./start.ts'),
};
