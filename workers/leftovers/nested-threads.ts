/**
 * Threads that tools start themselves: counted, for Node does not list them, and with the heap that a thread of ours may
 * hold. Nobody watches theirs, and V8 gives them gigabytes by default.
 */
import module from 'node:module';
import workerThreads, { type WorkerOptions } from 'node:worker_threads';
import { defineProperty } from '../intrinsics/captured.ts';

let alive = 0;

/** How many threads of tools' own run on this thread's account. */
export const nestedThreads = (): number => alive;

/**
 * In place before any tool loads.
 * @param heapMb WORKER_HEAP_MB: what a nested thread may hold unless its tool says otherwise.
 */
export function boundNestedThreads(heapMb: number): void {
  const { Worker: Native } = workerThreads;
  class Worker extends Native {
    constructor(filename: string | URL, options: WorkerOptions = {}) {
      super(filename, {
        ...options,
        resourceLimits: { maxOldGenerationSizeMb: heapMb, ...options.resourceLimits },
      });
      alive++;
      this.once('exit', () => alive--);
    }
  }
  defineProperty(workerThreads, 'Worker', {
    value: Worker,
    writable: true,
    enumerable: true,
    configurable: true,
  });
  module.syncBuiltinESMExports();
}
