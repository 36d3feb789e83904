/**
 * Piscina, with its traps kept in this one file. It starts threads, tells why one was lost, and ends them; what a
 * thread has on it is said to the thread itself, over a port.
 *
 * P1. A thread has exactly one Piscina task, its shift, which lasts as long as the thread. So Piscina's queue holds
 *     no more than the shifts of threads that start, and a call costs no task of its own (docs/decisions).
 * P2. Shifts carry a signal: Piscina then starts a thread for each, gives none two, and ends the thread on abort.
 * P3. `minThreads: 0`: replacing a lost thread is the crew's business. After one failed start Piscina stops doing it
 *     for good, and what it starts by itself would have no shift.
 * P4. `atomics: 'disabled'`: the default freezes idle threads, timers and ports included.
 * P5. A thread that cannot be ended is replaced like any other, and there are more threads than the maximum then. But
 *     none starts any more while as many of them live on as there may be threads.
 * P6. Never `pool.close()` (it kills whatever is slower than the fastest) and never `worker.postMessage` (Piscina's
 *     side reads it as a start message); always an `error` listener.
 */
import { MessageChannel, type Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { ExpectedCallers, Shift, ThreadSettings } from '../port/frames.ts';
import { MOST_IN_LINE } from '../thread-choice.ts';
import type { PoolThread, SourceHost, ThreadSource } from '../thread-source.ts';
import { EndedThreads } from './ended-threads.ts';
import { PackingPort } from './packing-port.ts';
import { threadFlags } from './thread-flags.ts';

export interface ThreadsOptions {
  /** URL of the thread's entry module. */
  readonly entry: string;
  readonly minThreads: number;
  readonly maxThreads: number;
  /** Shared calls that one thread takes. */
  readonly callsPerThread: number;
  /** What the heap of one thread may hold, in MiB: it is watched. */
  readonly heapMb: number;
  /** V8's own limit of it, in MiB, which nothing may reach. Default: `heapMb`. */
  readonly hardHeapMb?: number;
  /** What the process may use, in bytes. Default: most of what memory there is. */
  readonly memoryLimitBytes?: number;
  /** How long a thread above the minimum may be idle. Default 30 s. */
  readonly idleMs?: number;
  /** The environment that tools see. */
  readonly env: Readonly<Record<string, string>>;
  readonly settings: Omit<ThreadSettings, 'heapMb'>;
}

/**
 * A third of it, rounded up to a power of two, is what V8 fills before it copies all that is in use: what many streams have
 * in hand while they wait (promises, timers) is copied again and again. A token of 3 000 streams took 32 µs of CPU in all at
 * 8 MB, 29 at 16 and 28 at 32; a thread that echoes, or rests, takes no more memory for it.
 */
const YOUNG_MB = 32;

const wordsFor = (places: number): Int32Array<SharedArrayBuffer> =>
  new Int32Array(new SharedArrayBuffer(places * Int32Array.BYTES_PER_ELEMENT));

export class PiscinaThreads implements ThreadSource {
  readonly #piscina: Piscina<Shift, never>;
  readonly #places: number;
  readonly #maxThreads: number;
  readonly #ended: EndedThreads;
  /** The shifts that have not ended, oldest first. */
  readonly #shifts = new Set<AbortController>();
  #nextId = 1;

  constructor(options: ThreadsOptions, { onError, listeners }: SourceHost) {
    this.#places = Math.max(MOST_IN_LINE, options.callsPerThread);
    this.#maxThreads = options.maxThreads;
    this.#ended = new EndedThreads((id) => {
      const detail = 'it is in native code and cannot be ended; another thread has taken its place';
      listeners.tell('unit', { unit: 'thread', id, kind: 'stuck', isTrouble: true, detail });
    });
    this.#piscina = new Piscina({
      filename: options.entry,
      minThreads: 0,
      // One more: the successor of a thread that is about to be killed starts beside it.
      maxThreads: options.maxThreads + 1,
      atomics: 'disabled',
      recordTiming: false,
      env: { ...options.env },
      resourceLimits: {
        maxOldGenerationSizeMb: options.hardHeapMb ?? options.heapMb,
        maxYoungGenerationSizeMb: YOUNG_MB,
      },
      workerData: { ...options.settings, heapMb: options.heapMb } satisfies ThreadSettings,
      ...threadFlags(),
    });
    this.#piscina.on('error', onError);
  }

  get count(): number {
    return this.#shifts.size;
  }

  get stuck(): number {
    return this.#ended.stuck;
  }

  get mayStart(): boolean {
    return this.stuck < this.#maxThreads;
  }

  get trouble(): string {
    if (this.mayStart) return "no thread can start; the gateway's log has the reason";
    return `${this.stuck} threads are stuck in native code and cannot be ended; restart the gateway`;
  }

  /** Starts one more thread; with more than `maxThreads` there already, it starts when one of those has ended. */
  spawn(callers: ExpectedCallers): PoolThread {
    const { port1: port, port2: threadPort } = new MessageChannel();
    const [begun, claims, taken] = [wordsFor(this.#places), wordsFor(this.#places), wordsFor(1)];
    const shift = new AbortController();
    const id = this.#nextId++;
    const before = new Set(this.#piscina.threads);
    const serving = this.#piscina.run(
      { port: threadPort, begun, claims, taken, callers },
      { transferList: [threadPort], signal: shift.signal },
    );
    for (const thread of this.#piscina.threads) if (!before.has(thread)) this.#watch(thread, id);
    this.#shifts.add(shift);
    const lost = serving.catch((error: unknown) => error).finally(() => this.#shifts.delete(shift));
    const end = () => {
      this.#shifts.delete(shift);
      shift.abort();
      this.#ended.look(this.#piscina.threads);
    };
    return { id, port: new PackingPort(port, taken), begun, claims, lost, end };
  }

  #watch(thread: Worker, id: number): void {
    this.#ended.watch(thread, id);
    // A thread's raw output must not reach the gateway's stdout, which may belong to a protocol.
    thread.stdout.unpipe(process.stdout);
    // Not a pipe: with those that Node makes itself, a listener a thread is more than stderr takes without a warning.
    thread.stdout.on('data', (bytes: Buffer) => process.stderr.write(bytes));
    thread.once('exit', () => setImmediate(() => this.#withdrawOrphan()));
  }

  /**
   * A thread that ends before it has a shift leaves one in Piscina's queue that no thread will take. Shifts are
   * given out oldest first, so where one is left over, the youngest is.
   */
  #withdrawOrphan(): void {
    if (this.#shifts.size > this.#piscina.threads.length) [...this.#shifts].at(-1)?.abort();
  }

  async destroy(): Promise<void> {
    void this.#piscina.destroy();
    this.#ended.look([]);
    await this.#ended.gone();
  }
}
