/**
 * What a child's pool is told to be: one thread, with no queue but for what comes while it is replaced, and its share of
 * the memory that gateway and children may have together.
 */
import type { HostSettings } from '../host/link-frames.ts';
import { defaultMemoryLimit } from '../threads/memory/available-memory.ts';
import type { PoolOptions } from '../threads/worker-pool.ts';

const MIB = 1024 * 1024;
/** What a process takes beside the heap of its thread. */
const BESIDE_HEAP_MB = 128;

/** The pool in a child ends a thread only where the gateway has not ended the child: so much later. */
const MORE_GRACE_MS = 1000;

export function childSettings(options: PoolOptions): HostSettings {
  const { entry, settings, env, callsPerThread, heapMb, queueWaitMs, cancelGraceMs } = options;
  const { maxThreads, memoryLimitBytes = defaultMemoryLimit() } = options;
  return {
    entry,
    settings,
    env,
    minThreads: 1,
    maxThreads: 1,
    callsPerThread,
    heapMb,
    memoryLimitBytes: Math.max(memoryLimitBytes / (maxThreads + 1), (heapMb + BESIDE_HEAP_MB) * MIB),
    queueLimit: callsPerThread,
    queueWaitMs,
    // One child's memory is no reason to refuse a call: the gateway looks at its own.
    admitsAll: true,
    cancelGraceMs: cancelGraceMs + MORE_GRACE_MS,
  };
}
