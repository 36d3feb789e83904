/**
 * Which thread a call goes to: pure rules over what each thread has on it.
 *
 * C1. An exclusive call gets a thread with nothing on it and keeps others off it: one that its key had last, else one
 *     that nobody had, since a thread is looked at before it passes from key to key, and may have to be replaced then.
 * C2. A shared call gets the least busy thread that has room.
 * C3. Where shared tools exist, exclusive calls never hold all threads; and while an exclusive call waits and no
 *     thread can be added, the least busy shared thread is kept free of new calls for it: neither kind starves.
 */
import type { Isolation } from '../../call/catalog.ts';

/** What the rules see of a thread. */
export interface ThreadLoad {
  /** False for a thread that starts, retires or is being killed. */
  readonly isOpen: boolean;
  readonly calls: number;
  readonly hasExclusive: boolean;
  /** Whose call it took last; null where it has taken none. */
  readonly lastKey: string | null;
}

export interface ChoiceLimits<T> {
  /** Shared calls that one thread takes. */
  readonly callsPerThread: number;
  /** Threads that exclusive calls may hold at once. */
  readonly exclusiveThreads: number;
  /** A thread kept free for a waiting exclusive call. */
  readonly reserved: T | null;
  /** Whose call it is. */
  readonly keyId: string | null;
}

/** @returns the thread for a call, or null when none fits now. */
export function chooseThread<T extends ThreadLoad>(
  isolation: Isolation,
  threads: Iterable<T>,
  limits: ChoiceLimits<T>,
): T | null {
  return isolation === 'exclusive' ? chooseIdle(threads, limits) : chooseLeastBusy(threads, limits);
}

function chooseIdle<T extends ThreadLoad>(threads: Iterable<T>, limits: ChoiceLimits<T>): T | null {
  let idle: T | null = null;
  let held = 0;
  for (const thread of threads) {
    if (thread.hasExclusive) held++;
    else if (thread.isOpen && thread.calls === 0 && (idle === null || isNearer(thread, idle, limits.keyId)))
      idle = thread;
  }
  return held < limits.exclusiveThreads ? idle : null;
}

/** Whether one thread is nearer to a key than another. */
function isNearer(one: ThreadLoad, other: ThreadLoad, keyId: string | null): boolean {
  return (
    other.lastKey !== keyId && (one.lastKey === keyId || (one.lastKey === null && other.lastKey !== null))
  );
}

function chooseLeastBusy<T extends ThreadLoad>(threads: Iterable<T>, limits: ChoiceLimits<T>): T | null {
  let best: T | null = null;
  for (const thread of threads) {
    if (!thread.isOpen || thread.hasExclusive || thread === limits.reserved) continue;
    if (thread.calls < limits.callsPerThread && (best === null || thread.calls < best.calls)) best = thread;
  }
  return best;
}

/** The thread to keep free for a waiting exclusive call: the least busy one without an exclusive call. */
export function reserveThread<T extends ThreadLoad>(threads: Iterable<T>): T | null {
  return chooseLeastBusy(threads, {
    callsPerThread: Infinity,
    exclusiveThreads: 0,
    reserved: null,
    keyId: null,
  });
}
