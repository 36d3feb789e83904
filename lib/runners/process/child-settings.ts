/** What a child's pool is told to be: one thread, which has no queue but for what comes while it is replaced. */
import type { HostSettings } from '../host/frames.ts';
import type { PoolOptions } from '../threads/worker-pool.ts';

/** The pool in a child ends a thread only where the gateway has not ended the child: so much later. */
const MORE_GRACE_MS = 1000;

export function childSettings(options: PoolOptions): HostSettings {
  const { entry, settings, env, callsPerThread, heapMb, queueWaitMs, cancelGraceMs } = options;
  return {
    entry,
    settings,
    env,
    minThreads: 1,
    maxThreads: 1,
    callsPerThread,
    heapMb,
    queueLimit: callsPerThread,
    queueWaitMs,
    cancelGraceMs: cancelGraceMs + MORE_GRACE_MS,
  };
}
