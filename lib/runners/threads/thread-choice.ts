/**
 * Which thread a call goes to: pure rules over what each thread has on it.
 *
 * C1. An exclusive call gets a thread with nothing on it and keeps others off it: one that its key had last, else one
 *     that nobody had, since a thread is looked at before it passes from key to key, and may have to be replaced then.
 * C2. A shared call gets the least busy thread that has room; one of a quick tool (run-speed.ts), of the first threads
 *     that answer and have quick ones alone, as many as there are processors, before any other.
 * C3. Where shared tools exist, exclusive calls never hold all threads; and while an exclusive call waits and no
 *     thread can be added, the least busy shared thread is kept free of new calls for it: neither kind starves.
 * C4. Exclusive calls of quick tools run on as many threads at once as there are processors; one whose call takes long
 *     after all is not counted. The next call waits for one of them meanwhile, and no thread is started beside them.
 * C5. It waits in line on the thread itself where that has its key's quick calls alone, and not much to do: a thread
 *     that goes on to the next call costs less than one that is told of it when it has ended one. From a thread whose
 *     call takes long after all, those in line are taken back (worker-pool.ts).
 * C6. Threads that do not serve yet count as well: a burst of calls comes before they do.
 * C7. What a thread has not said counts against it only where the gateway would have heard it (hearing.ts).
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
  /** Whether it has a call of a tool that is not quick. */
  readonly hasSlow: boolean;
  /** Since when it has calls and says nothing of them, by `performance.now()`. */
  readonly silentSince: number;
  /** When it last took a call with none on it, or ended one with others on it, by `performance.now()`. */
  readonly takenAt: number;
  /** What its calls of quick tools may take together, in milliseconds. */
  readonly expectedMs: number;
  /** Whether exclusive calls may wait in line on it. */
  readonly canQueue: boolean;
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
  /** The call is of a quick tool. */
  readonly isQuick: boolean;
  /** It may wait in line on a thread (C5). */
  readonly mayQueue: boolean;
  /** As many threads as there are processors. */
  readonly packedThreads: number;
  /** What threads had said by then is known, by `performance.now()` (C7). */
  readonly heardTo: number;
}

/** A thread that says nothing for so long may be blocked, and a call that runs so long is not quick: none waits for it. */
export const SILENCE_MS = 10;

/** What is in line on a thread may take so long, and holds no more calls than this. */
const LINE_MS = 0.5;
export const MOST_IN_LINE = 32;

/** @returns the thread for a call, or null when none fits now. */
export function chooseThread<T extends ThreadLoad>(
  isolation: Isolation,
  threads: Iterable<T>,
  limits: ChoiceLimits<T>,
): T | null {
  if (isolation === 'exclusive') return chooseIdle(threads, limits);
  return (limits.isQuick ? choosePacked(threads, limits) : null) ?? chooseLeastBusy(threads, limits);
}

function chooseIdle<T extends ThreadLoad>(threads: Iterable<T>, limits: ChoiceLimits<T>): T | null {
  if (limits.isQuick) {
    const line = limits.mayQueue ? chooseLine(threads, limits) : null;
    if (line !== null || packedRoom(threads, limits) === 0) return line;
  }
  let idle: T | null = null;
  let held = 0;
  for (const thread of threads) {
    if (thread.hasExclusive) held++;
    else if (thread.isOpen && thread.calls === 0 && (idle === null || isNearer(thread, idle, limits.keyId)))
      idle = thread;
  }
  return held < limits.exclusiveThreads ? idle : null;
}

/** The first thread whose line has room for a call of the key. */
function chooseLine<T extends ThreadLoad>(
  threads: Iterable<T>,
  { keyId, heardTo }: ChoiceLimits<T>,
): T | null {
  for (const thread of threads) {
    if (!thread.hasExclusive || thread.hasSlow || thread.lastKey !== keyId) continue;
    if (thread.expectedMs > LINE_MS || thread.calls >= MOST_IN_LINE || takesLong(thread, heardTo)) continue;
    if (thread.isOpen && thread.canQueue) return thread;
  }
  return null;
}

/** Whether one thread is nearer to a key than another. */
function isNearer(one: ThreadLoad, other: ThreadLoad, keyId: string | null): boolean {
  return (
    other.lastKey !== keyId && (one.lastKey === keyId || (one.lastKey === null && other.lastKey !== null))
  );
}

const takesLong = (thread: ThreadLoad, heardTo: number): boolean => heardTo - thread.takenAt > SILENCE_MS;

/** On how many threads more exclusive calls of quick tools may run (C4). */
export function packedRoom(
  threads: Iterable<ThreadLoad>,
  { packedThreads, heardTo }: Pick<ChoiceLimits<ThreadLoad>, 'packedThreads' | 'heardTo'>,
): number {
  let quick = 0;
  for (const thread of threads) if (thread.hasExclusive && !takesLong(thread, heardTo)) quick++;
  return Math.max(0, packedThreads - quick);
}

const isSilent = (thread: ThreadLoad, heardTo: number): boolean =>
  thread.calls > 0 && heardTo - thread.silentSince > SILENCE_MS;

/** The least busy of the first threads with nothing but quick calls that answer, where one of these has room. */
function choosePacked<T extends ThreadLoad>(threads: Iterable<T>, limits: ChoiceLimits<T>): T | null {
  let best: T | null = null;
  let seen = 0;
  for (const thread of threads) {
    if (!thread.isOpen || thread.hasExclusive || thread === limits.reserved) continue;
    if (thread.hasSlow || isSilent(thread, limits.heardTo)) continue;
    if (thread.calls < limits.callsPerThread && (best === null || thread.calls < best.calls)) best = thread;
    if (++seen === limits.packedThreads) break;
  }
  return best;
}

function chooseLeastBusy<T extends ThreadLoad>(
  threads: Iterable<T>,
  limits: Pick<ChoiceLimits<T>, 'callsPerThread' | 'reserved'>,
): T | null {
  let best: T | null = null;
  for (const thread of threads) {
    if (!thread.isOpen || thread.hasExclusive || thread === limits.reserved) continue;
    if (thread.calls < limits.callsPerThread && (best === null || thread.calls < best.calls)) best = thread;
  }
  return best;
}

/** The thread to keep free for a waiting exclusive call: the least busy one without an exclusive call. */
export function reserveThread<T extends ThreadLoad>(threads: Iterable<T>): T | null {
  return chooseLeastBusy(threads, { callsPerThread: Infinity, reserved: null });
}

/** Of the calls that wait, how many will find a place on threads that start or may still be started (C6). */
export function expectedOn(
  { coming, exclusives }: { readonly coming: number; readonly exclusives: number },
  exclusiveThreads: number,
  callsPerThread: number,
  waiting: { readonly shared: number; readonly exclusive: number },
): number {
  const alone = Math.min(waiting.exclusive, coming, Math.max(0, exclusiveThreads - exclusives));
  return alone + Math.min(waiting.shared, (coming - alone) * callsPerThread);
}
