/**
 * Ends the thread whose heap outgrows WORKER_HEAP_MB, and keeps the whole process below MEMORY_LIMIT.
 *
 * V8 aborts the process when a thread passes its own limit by one allocation of more than 16 MB. So that limit is as
 * far away as memory allows, and the one that counts is watched from here (docs/decisions/2026-11-27-watched-heap.md).
 *
 * M1. It looks while calls run, and costs one reading of the process's size a tick as long as that does not grow. Between
 *     calls a glance a second is enough to begin with, for what a call may have left running.
 * M2. Garbage is not held against a tool: above its limit a thread is made to collect, and what is left decides.
 * M3. But one single step that took more than the whole limit is too much, whatever is left of it: the thread could
 *     not be looked into meanwhile, and what the tool held then may be gone by now.
 * M4. Above MEMORY_LIMIT new calls are refused and the largest thread ends, one after the other, until it is enough. While
 *     one that had to go still grows, in a step that nothing can stop, no other ends for it.
 * M5. When the calls are over, threads that have grown collect, and the memory goes back. One that rests between two
 *     calls for a moment does not: it would pay a full collection for what its own do as well, and for the pages and
 *     compiled code that it gives up. Once in its life, when it first rests, a thread gives back all that it can, since its
 *     start leaves more garbage than it holds; that takes several times as long.
 */
import { clearInterval, setInterval } from 'node:timers';
import { HEAP_FULL, type ThreadDeath } from '../ending/thread-death.ts';
import { HeapProbe } from './heap-probe.ts';
import { bytesTouched } from './kernel-thread.ts';
import { ProcessSize } from './process-size.ts';

/** A thread as the watch sees it. */
export interface WatchedThread {
  /** Node's number of it; null until it has said so. */
  readonly threadId: number | null;
  /** The system's number of it, where the system tells. */
  readonly kernelId: number | null;
  readonly calls: number;
  /** Whether it has had no call since `time`. */
  isIdleSince(time: number): boolean;
  /** What it said last that it holds, outside of its heap too. */
  readonly heldBytes: number;
}

export interface MemoryLimits {
  /** Of one thread's heap, as it is watched; null where it cannot be, and V8's own limit has to do. */
  readonly heapBytes: number | null;
  /** Of one thread's heap, as V8 keeps it. */
  readonly hardHeapMb: number;
  /** Of the whole process. */
  readonly totalBytes: number;
}

/** Room for what a tool takes in one step, which nothing can stop: most single built-in calls stay below. */
const HARD_HEAP_MB = 4096;
const HARD_FACTOR = 4;

export function memoryLimits(heapMb: number, totalBytes: number): MemoryLimits {
  if (!HeapProbe.isAvailable()) return { heapBytes: null, hardHeapMb: heapMb, totalBytes };
  const wanted = Math.max(HARD_HEAP_MB, HARD_FACTOR * heapMb);
  const hardHeapMb = Math.max(heapMb, Math.min(wanted, Math.floor(totalBytes / MIB)));
  return { heapBytes: heapMb * MIB, hardHeapMb, totalBytes };
}

export interface MemoryWatchListener<T> {
  threads(): Iterable<T>;
  /** The thread has to go; ask `deathOf` for what its calls are told. */
  tooLarge(thread: T, reason: string): void;
}

/** What is known of a thread. */
interface Look {
  /** On its heap, when it answered last. */
  used: number;
  /** What was left when it collected last. */
  left: number;
  /** While it is asked: since which tick, and when it has answered and been judged. */
  asked: { readonly at: number; readonly judged: Promise<void> } | null;
  /** It may hold garbage that nothing makes it collect. */
  hasGrown: boolean;
  /** Whether it has given back what its start left behind. */
  start: 'left' | 'returning' | 'returned';
  /** What it said that it holds, and what it had touched by then. */
  held: number;
  touched: number | null;
}

const MIB = 1024 * 1024;
const TICK_MS = 20;
/** What the process may grow before threads are asked. */
const STEP_BYTES = 16 * MIB;
/** What a thread's heap may grow above its limit after a collection before the next, as a part of the limit. */
const MARGIN = 1 / 16;
/** How long a thread that ends may take to give its memory back before the next one has to go. */
const RETURN_MS = 500;
/** Below it a thread's end would not help. */
const LARGE_BYTES = 32 * MIB;
/** So many ticks without an answer: it is in one single step. */
const SILENT_TICKS = 2;
/** What must be free again below the limit before calls are taken. */
const RELIEF = 0.95;
/** How often all that have calls are asked while the process is large, in ticks: an answer costs its thread more than most calls. */
const ROUND_TICKS = 50;
/** How often threads without a call are seen to, in ticks. */
const TIDY_TICKS = 25;
/** How long a thread has been without a call by then. */
const REST_MS = 1500;

export class MemoryWatch<T extends WatchedThread> {
  readonly #limits: MemoryLimits;
  readonly #listener: MemoryWatchListener<T>;
  /** Null where heaps are not watched. */
  readonly #probe: HeapProbe | null;
  readonly #size = new ProcessSize();
  readonly #looks = new WeakMap<T, Look>();
  readonly #deaths = new WeakMap<T, ThreadDeath>();
  #timer: NodeJS.Timeout | null = null;
  #ticks = 0;
  /** Threads that are asked. */
  #pending = 0;
  /** The least size of the process since threads were asked last. */
  #floor = 0;
  #endedAt = Number.NEGATIVE_INFINITY;
  /** The thread that had to go last for MEMORY_LIMIT, and what it had touched then. */
  #ended: { readonly thread: T; readonly touched: number | null } | null = null;
  #isShort = false;

  constructor(limits: MemoryLimits, listener: MemoryWatchListener<T>) {
    this.#limits = limits;
    this.#listener = listener;
    this.#probe = limits.heapBytes === null ? null : HeapProbe.shared;
  }

  /** Whether memory is short: new calls are better refused. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /** What the calls of a thread are told that had to go for its memory; undefined for any other. */
  deathOf(thread: T): ThreadDeath | undefined {
    return this.#deaths.get(thread);
  }

  /** A call begins. */
  wake(): void {
    if (this.#timer !== null) return;
    this.#floor = this.#size.read() ?? 0;
    this.#timer = setInterval(this.#onTick, TICK_MS).unref();
  }

  /** Once a second: the process should not grow while no call runs. */
  glance(): void {
    if (this.#timer !== null) return;
    const size = this.#size.read() ?? 0;
    const grown = size - this.#floor;
    this.#floor = size;
    if (grown >= STEP_BYTES) this.wake();
  }

  readonly #onTick = (): void => {
    this.#ticks++;
    const size = this.#size.read();
    if (size === null) return;
    this.#watchTotal(size);
    this.#floor = Math.min(this.#floor, size);
    // What one thread gives back may hide what another takes.
    const isHidden = this.#ticks % ROUND_TICKS === 0 && size > (this.#limits.heapBytes ?? Infinity);
    if (size - this.#floor >= STEP_BYTES || isHidden) {
      this.#floor = size;
      for (const thread of this.#listener.threads()) this.#note(thread);
    }
    if (this.#ticks % TIDY_TICKS === 0) this.#tidy();
  };

  /** The process has grown. */
  #note(thread: T): void {
    const look = this.#lookOf(thread);
    if (look.held !== thread.heldBytes || look.touched === null) {
      look.held = thread.heldBytes;
      look.touched = bytesTouched(thread.kernelId);
    }
    if (thread.calls > 0) look.hasGrown = true;
    if (look.asked === null && !this.#deaths.has(thread)) this.#ask(thread, look);
  }

  #ask(thread: T, look: Look): void {
    const { threadId } = thread;
    if (this.#probe === null || threadId === null) return;
    const at = this.#ticks;
    const judged = this.#probe.used(threadId).then(async (used) => {
      if (used !== null) await this.#judge(thread, look, threadId, used, this.#ticks - at >= SILENT_TICKS);
      look.asked = null;
      this.#pending--;
    });
    look.asked = { at, judged };
    this.#pending++;
  }

  /**
   * Asked before a call's result is taken. Where the thread was in one long step at the end of it, its answer is on its
   * way beside the result, and may come second.
   * @returns what to wait for, if anything; `deathOf` says what came out.
   */
  verdict(thread: T): Promise<void> | null {
    if (this.#pending === 0) return null;
    const asked = this.#looks.get(thread)?.asked;
    return asked && this.#ticks - asked.at >= SILENT_TICKS ? asked.judged : null;
  }

  /** @param wasSilent it has been in one single step since it was asked. */
  async #judge(thread: T, look: Look, threadId: number, used: number, wasSilent: boolean): Promise<void> {
    const { heapBytes } = this.#limits;
    if (heapBytes === null) return;
    const grown = used - look.used;
    look.used = used;
    if (used <= Math.max(heapBytes, look.left + heapBytes * MARGIN)) return;
    if (wasSilent && grown > heapBytes) return this.#outgrown(thread);
    const left = await this.#collect(look, threadId);
    if (left !== null && left > heapBytes) this.#outgrown(thread);
  }

  async #collect(look: Look, threadId: number): Promise<number | null> {
    return this.#noteLeft(look, (await this.#probe?.collect(threadId)) ?? null);
  }

  async #shrink(look: Look, threadId: number): Promise<void> {
    look.start = 'returning';
    this.#noteLeft(look, (await this.#probe?.shrink(threadId)) ?? null);
    look.start = 'returned';
  }

  #noteLeft(look: Look, left: number | null): number | null {
    if (left !== null) {
      look.used = left;
      look.left = left;
    }
    return left;
  }

  #lookOf(thread: T): Look {
    let look = this.#looks.get(thread);
    if (look === undefined) {
      const { heldBytes: held, kernelId } = thread;
      const touched = bytesTouched(kernelId);
      look = { used: held, left: 0, asked: null, hasGrown: false, start: 'left', held, touched };
      this.#looks.set(thread, look);
    }
    return look;
  }

  #outgrown(thread: T): void {
    this.#end(thread, 'its heap outgrew WORKER_HEAP_MB', {
      code: 'worker_out_of_memory',
      message: HEAP_FULL,
    });
  }

  #end(thread: T, reason: string, death: ThreadDeath): void {
    if (this.#deaths.has(thread)) return;
    this.#deaths.set(thread, death);
    this.#listener.tooLarge(thread, reason);
  }

  #watchTotal(size: number): void {
    const { totalBytes } = this.#limits;
    if (size <= totalBytes * (this.#isShort ? RELIEF : 1)) {
      this.#isShort = false;
      return;
    }
    this.#isShort = true;
    const now = performance.now();
    if (now - this.#endedAt < RETURN_MS) return;
    if (this.#isStillGrowing()) {
      this.#endedAt = now;
      return;
    }
    const largest = this.#largest();
    if (largest === null) return;
    this.#endedAt = now;
    this.#ended = { thread: largest, touched: bytesTouched(largest.kernelId) };
    this.#end(largest, 'the process outgrew MEMORY_LIMIT, and it was the largest thread', {
      code: 'worker_out_of_memory',
      message: 'the gateway ran out of memory (MEMORY_LIMIT), and the thread of this call held most of it',
    });
  }

  /** Whether the thread that had to go last is still there, and takes more. */
  #isStillGrowing(): boolean {
    if (this.#ended === null) return false;
    const { thread, touched } = this.#ended;
    let isThere = false;
    for (const one of this.#listener.threads()) isThere ||= one === thread;
    const now = isThere ? bytesTouched(thread.kernelId) : null;
    if (now === null || touched === null || now - touched < STEP_BYTES) return false;
    this.#ended = { thread, touched: now };
    return true;
  }

  #largest(): T | null {
    let largest: T | null = null;
    let most = LARGE_BYTES;
    for (const thread of this.#listener.threads()) {
      if (this.#deaths.has(thread)) continue;
      const size = this.#sizeOf(thread);
      if (size < most) continue;
      most = size;
      largest = thread;
    }
    return largest;
  }

  /** What it said that it holds, and what it has touched since. */
  #sizeOf(thread: T): number {
    const { used, touched } = this.#lookOf(thread);
    const now = bytesTouched(thread.kernelId);
    return Math.max(thread.heldBytes, used) + (now === null || touched === null ? 0 : now - touched);
  }

  /** Lets threads that are idle give back what their start or calls left behind, and rests when all have (M1, M5). */
  #tidy(): void {
    let isNeeded = this.#isShort;
    for (const thread of this.#listener.threads()) {
      if (thread.calls > 0) {
        isNeeded = true;
        continue;
      }
      const look = this.#lookOf(thread);
      if ((!look.hasGrown && look.start === 'returned') || thread.threadId === null) continue;
      isNeeded = true;
      if (look.start === 'returning' || !thread.isIdleSince(performance.now() - REST_MS)) continue;
      look.hasGrown = false;
      if (this.#probe === null) look.start = 'returned';
      else if (look.start === 'left') void this.#shrink(look, thread.threadId);
      else void this.#collect(look, thread.threadId);
    }
    if (!isNeeded) this.#rest();
  }

  #rest(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  close(): void {
    this.#rest();
    this.#size.close();
  }
}
