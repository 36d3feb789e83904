/**
 * Piscina, with its traps kept in this one file. It starts and replaces threads and carries tasks to them; which
 * thread takes which call is decided outside, and said to its balancer.
 *
 * P1. A call is given to `run()` only with a thread chosen for it, so Piscina's own queue stays empty: its limit
 *     and its order do not hold with signals, and one task that cannot be placed would block all others.
 * P2. More threads are had by a warm task each, the only `run()` with a signal (such tasks wait apart from real
 *     ones), given only to a thread with nothing on it.
 * P3. `atomics: 'disabled'`: the default freezes idle threads, timers and ports included.
 * P4. Never `pool.close()` (it kills whatever is slower than the fastest) and never `worker.postMessage` (Piscina's
 *     side reads it as a start message); always an `error` listener.
 * P5. A thread takes calls when it has said hello and Piscina counts it ready, a turn after `workerCreate`: a task
 *     submitted within that event is not placed and starts another thread instead.
 */
import { MessagePort, type Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { CallTask, ThreadHello, ThreadSettings } from '../protocol/frames.ts';

export interface ThreadsOptions {
  /** URL of the thread's entry module. */
  readonly entry: string;
  readonly minThreads: number;
  readonly maxThreads: number;
  readonly heapMb: number;
  /** How long a thread above the minimum may be idle. Default 30 s: a burst's threads serve the next burst. */
  readonly idleMs?: number;
  /** The environment that tools see. */
  readonly env: Readonly<Record<string, string>>;
  readonly settings: ThreadSettings;
}

export interface ThreadsListener {
  hello(hello: ThreadHello, port: MessagePort): void;
  /** The thread takes calls: it has said hello and Piscina counts it ready (P5). */
  ready(threadId: number): void;
  /** Piscina removes an idle thread. */
  idled(threadId: number): void;
  /** A thread ended before it said hello. */
  stillborn(): void;
  /** An error that belongs to no call. */
  error(error: unknown): void;
}

/**
 * V8's own default (48 MB) lets each busy thread keep some 12 MB of garbage resident; this costs no throughput that
 * could be measured.
 */
const YOUNG_MB = 8;

/** How long a warm task may wait for its thread before the attempt counts as failed. */
const WARM_MS = 30_000;

type Hello = ThreadHello & { readonly port: MessagePort };

export class PiscinaThreads {
  readonly #piscina: Piscina<CallTask | null, void>;
  readonly #listener: ThreadsListener;
  readonly #greeted = new Set<number>();
  readonly #counted = new Set<number>();
  #target: number | null = null;
  #isSpawning = false;
  #isClosed = false;

  constructor(options: ThreadsOptions, listener: ThreadsListener) {
    this.#listener = listener;
    this.#piscina = new Piscina({
      filename: options.entry,
      minThreads: options.minThreads,
      maxThreads: options.maxThreads,
      idleTimeout: options.idleMs ?? 30_000,
      concurrentTasksPerWorker: Number.MAX_SAFE_INTEGER,
      atomics: 'disabled',
      stricterFIFO: true,
      recordTiming: false,
      env: { ...options.env },
      resourceLimits: { maxOldGenerationSizeMb: options.heapMb, maxYoungGenerationSizeMb: YOUNG_MB },
      workerData: options.settings,
      loadBalancer: (_task, workers) => {
        if (this.#isSpawning) return null;
        if (this.#target !== null) return workers.find((worker) => worker.id === this.#target) ?? null;
        const idle = workers.filter((worker) => worker.currentUsage === 0);
        return idle.find((worker) => !this.#greeted.has(worker.id)) ?? idle[0] ?? null;
      },
    });
    this.#piscina.on('error', (error) => listener.error(error));
    this.#piscina.on('message', (message: Hello) => {
      if (!this.#isHello(message)) return;
      this.#greeted.add(message.threadId);
      listener.hello(message, message.port);
      if (this.#counted.has(message.threadId)) listener.ready(message.threadId);
    });
    this.#piscina.on('workerCreate', ({ id }: { id: number }) => {
      this.#captureOutput(id);
      setImmediate(() => {
        this.#counted.add(id);
        if (this.#greeted.has(id)) listener.ready(id);
      });
    });
    this.#piscina.on('workerDestroy', ({ id }: { id: number }) => {
      if (id >= 0 && this.#greeted.has(id)) listener.idled(id);
    });
  }

  /** Tools can reach a thread's `parentPort` too: only the first hello of a thread that there is counts. */
  #isHello(message: Hello | null): boolean {
    if (message?.type !== 'hello' || !(message.port instanceof MessagePort)) return false;
    return !this.#greeted.has(message.threadId) && this.has(message.threadId);
  }

  /** A thread's raw output must not reach the gateway's stdout, which may belong to a protocol. */
  #captureOutput(threadId: number): void {
    const thread = this.#thread(threadId);
    if (!thread) return;
    thread.stdout.unpipe(process.stdout);
    // Not a pipe: with those that Node makes itself, a listener a thread is more than stderr takes without a warning.
    thread.stdout.on('data', (bytes: Buffer) => process.stderr.write(bytes));
    thread.once('exit', () => {
      this.#counted.delete(threadId);
      if (!this.#greeted.delete(threadId)) this.#listener.stillborn();
    });
  }

  #thread(threadId: number): Worker | undefined {
    return this.#piscina.threads.find((thread) => thread.threadId === threadId);
  }

  /** Threads that live or start. */
  get count(): number {
    return this.#piscina.threads.length;
  }

  get maxThreads(): number {
    return this.#piscina.options.maxThreads;
  }

  has(threadId: number): boolean {
    return this.#thread(threadId) !== undefined;
  }

  /** Hands a task to one thread; the promise tells only whether and why the thread was lost. */
  run(task: CallTask, threadId: number): Promise<void> {
    this.#target = threadId;
    try {
      return this.#piscina.run(task);
    } finally {
      this.#target = null;
    }
  }

  /** Starts one more thread, if there may be one more (P2). */
  spawn(): void {
    if (this.#isClosed || this.count >= this.maxThreads) return;
    this.#isSpawning = true;
    try {
      this.#piscina.run(null, { signal: AbortSignal.timeout(WARM_MS) }).catch(() => undefined);
    } finally {
      this.#isSpawning = false;
    }
  }

  /** Ends a thread, whatever it does; Piscina replaces it up to the minimum. */
  kill(threadId: number): void {
    void this.#thread(threadId)?.terminate();
  }

  async destroy(): Promise<void> {
    this.#isClosed = true;
    await this.#piscina.destroy();
  }
}
