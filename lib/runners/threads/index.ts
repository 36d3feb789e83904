/** The thread pool as a runner: its options, and where it starts. */
import type { RunnerKind } from '../runner.ts';
import { type ThreadsConfig, threadsOptions, threadsRules } from './options.ts';

export const threads: RunnerKind<typeof threadsOptions, typeof threadsRules, ThreadsConfig> = {
  order: 0,
  options: threadsOptions,
  rules: threadsRules,
  load: () => import('./start.ts'),
};
