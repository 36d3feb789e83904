/**
 * Runs calls on threads: admission, choice of thread, cancel ladder, death and replacement. Implements ToolRunner.
 *
 * W1. A call is queued, on one thread, or ended; it is handed to a thread only when the rules (thread-choice) fit.
 * W2. The queue is looked at again whenever that may have changed: a thread is ready, a slot is free, a thread is
 *     gone, a reservation ends.
 * W3. A call lost with its thread before it ran is tried elsewhere, at most twice; one that ran is never run again.
 * W4. A cancelled call has ended for its caller at once; behind it: cancel frame → grace → the thread is killed. Its
 *     slot stays taken until the thread is free.
 */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { MessagePort } from 'node:worker_threads';
import type {
  Catalog,
  ThreadFrame,
  ThreadHello,
  ThreadSettings,
  ToolDescriptor,
} from '../protocol/frames.ts';
import { ToolError } from '../protocol/tool-error.ts';
import type {
  CallRequest,
  Percentiles,
  RunnerListener,
  RunnerStats,
  RunningCall,
  ToolRunner,
} from '../tool/runner.ts';
import { AdmissionQueue } from './admission-queue.ts';
import { CatalogReader } from './catalog-reader.ts';
import { Liveness } from './liveness.ts';
import { PiscinaThreads } from './piscina-threads.ts';
import { chooseThread, reserveThread } from './thread-choice.ts';
import { explainDeath } from './thread-death.ts';
import { ThreadLink } from './thread-link.ts';
import { ToolCall } from './tool-call.ts';
import { loadOnTrial } from './trial-thread.ts';

export interface PoolOptions {
  /** URL of the thread's entry module. */
  readonly entry: string;
  readonly settings: ThreadSettings;
  readonly env: Readonly<Record<string, string>>;
  readonly minThreads: number;
  readonly maxThreads: number;
  /** Shared calls that one thread takes. */
  readonly callsPerThread: number;
  readonly heapMb: number;
  readonly queueLimit: number;
  readonly queueWaitMs: number;
  readonly cancelGraceMs: number;
  readonly maxResultBytes: number;
  /** How long a thread above the minimum may be idle. */
  readonly idleMs?: number;
}

/** What the pool needs to know of what a call runs. */
type Definition = Pick<ToolDescriptor, 'isolation' | 'annotations'>;

/** How long the first thread may take to load the tool modules. */
const START_MS = 30_000;
const MAX_LOST_STARTS = 2;

export class WorkerPool implements ToolRunner {
  readonly #options: PoolOptions;
  readonly #listeners: RunnerListener[] = [];
  readonly #threads: PiscinaThreads;
  readonly #links = new Map<number, ThreadLink>();
  readonly #queue: AdmissionQueue<ToolCall>;
  readonly #liveness: Liveness;
  readonly #catalogs: CatalogReader;
  readonly #waitUs: RecordableHistogram = createHistogram();
  readonly #runUs: RecordableHistogram = createHistogram();
  readonly #queueTimers = new Map<ToolCall, NodeJS.Timeout>();
  readonly #stuck = new Set<number>();
  #definitions = new Map<string, Definition>();
  #hasShared = false;
  #nextCall = 1;
  #isClosed = false;
  #counts = { scaleUps: 0, scaleDowns: 0, crashes: 0, kills: 0, restarts: 0 };

  private constructor(options: PoolOptions) {
    this.#options = options;
    this.#queue = new AdmissionQueue(options.queueLimit);
    this.#catalogs = new CatalogReader(START_MS);
    this.#threads = new PiscinaThreads(options, {
      hello: (hello, port) => this.#onHello(hello, port),
      ready: (threadId) => this.#onReady(threadId),
      idled: (threadId) => this.#links.get(threadId)?.leave('idle'),
      stillborn: () =>
        this.#catalogs.fail('a tool module ended its thread while loading (process.exit or a crash)'),
      error: (error) =>
        this.#tell((to) => to.thread?.({ kind: 'error', threadId: -1, detail: String(error) })),
    });
    this.#liveness = new Liveness(this.#links, {
      stuck: (link) => this.#killStuck(link),
      tick: () => this.#keepMinimum(),
    });
  }

  /**
   * Starts the threads and waits until the first has loaded all tool modules.
   * @throws {ToolError} `unavailable` with the module, the reason and the next step when one cannot be loaded.
   */
  static async start(options: PoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(options);
    try {
      pool.#adopt(await pool.#catalogs.first);
    } catch (error) {
      await pool.close();
      throw error;
    }
    return pool;
  }

  get catalog(): Catalog {
    return this.#catalogs.current;
  }

  listen(listener: RunnerListener): void {
    this.#listeners.push(listener);
  }

  #tell(say: (to: RunnerListener) => void): void {
    for (const listener of this.#listeners) say(listener);
  }

  #adopt(catalog: Catalog): void {
    this.#definitions = new Map<string, Definition>([
      ...catalog.tools.map((tool) => [`tool ${tool.name}`, tool] as const),
      ...catalog.resources.map((resource) => [`resource ${resource.name}`, resource] as const),
      ...catalog.prompts.map((prompt) => [`prompt ${prompt.name}`, prompt] as const),
    ]);
    this.#hasShared = [...this.#definitions.values()].some((definition) => definition.isolation === 'shared');
  }

  // ---------------------------------------------------------------- calls

  call(request: CallRequest & { readonly callId: string }): RunningCall {
    const definition = this.#definitions.get(`${request.kind ?? 'tool'} ${request.name}`);
    const call = new ToolCall(this.#nextCall++, request, definition ?? { isolation: 'shared' }, {
      maxResultBytes: this.#options.maxResultBytes,
      cancelled: (cancelled, reason) => this.#onCancelled(cancelled, reason),
    });
    if (this.#isClosed) call.fail(new ToolError('unavailable', 'the gateway is shutting down'));
    else if (this.#queue.size > 0 || !this.#tryHand(call)) this.#enqueue(call);
    return call;
  }

  #enqueue(call: ToolCall): void {
    if (!this.#queue.add(call)) {
      call.fail(
        new ToolError(
          'overloaded',
          `the queue is full (${this.#queue.limit} calls wait, QUEUE_LIMIT); try again shortly`,
          {
            retryAfterMs: 1000,
          },
        ),
      );
      return;
    }
    this.#watchWait(call);
    this.#pump();
  }

  #watchWait(call: ToolCall): void {
    const { queueWaitMs } = this.#options;
    const timer = setTimeout(() => {
      this.#unqueue(call);
      const text = `no thread was free within ${queueWaitMs / 1000} s (QUEUE_WAIT); try again shortly`;
      call.fail(new ToolError('overloaded', text, { retryAfterMs: 1000 }));
    }, queueWaitMs);
    this.#queueTimers.set(call, timer);
  }

  #unqueue(call: ToolCall): boolean {
    clearTimeout(this.#queueTimers.get(call));
    this.#queueTimers.delete(call);
    return this.#queue.remove(call);
  }

  /** Hands the call to a thread that fits it now, if one does. */
  #tryHand(call: ToolCall, reserved: ThreadLink | null = null): boolean {
    const link = chooseThread(call.isExclusive ? 'exclusive' : 'shared', this.#links.values(), {
      callsPerThread: this.#options.callsPerThread,
      exclusiveThreads: this.#exclusiveLimit,
      reserved,
    });
    if (!link || !this.#threads.has(link.id)) return false;
    link.take(call);
    this.#threads.run(call.task(), link.id).then(
      () => link.settled(call.number, null),
      (error: unknown) => link.settled(call.number, error ?? new Error('the thread was lost')),
    );
    return true;
  }

  get #exclusiveLimit(): number {
    const { maxThreads } = this.#options;
    return this.#hasShared && maxThreads > 1 ? maxThreads - 1 : maxThreads;
  }

  /** Hands over what fits now, in fair order, and asks for the threads that the rest needs. */
  #pump(): void {
    if (this.#queue.size === 0 || this.#isClosed) return;
    const canGrow = this.#threads.count < this.#threads.maxThreads;
    let reserved: ThreadLink | null = null;
    let exclusives = 0;
    let shareds = 0;
    for (const call of this.#queue.inOrder()) {
      if (this.#tryHand(call, reserved)) {
        this.#unqueue(call);
      } else if (call.isExclusive) {
        exclusives++;
        if (!canGrow && reserved === null && this.#exclusivesHeld() < this.#exclusiveLimit) {
          reserved = reserveThread(this.#links.values());
        }
      } else {
        shareds++;
      }
    }
    this.#grow(exclusives, shareds);
  }

  #exclusivesHeld(): number {
    let held = 0;
    for (const link of this.#links.values()) if (link.hasExclusive) held++;
    return held;
  }

  #grow(exclusives: number, shareds: number): void {
    const allowed = Math.min(exclusives, Math.max(0, this.#exclusiveLimit - this.#exclusivesHeld()));
    const wanted = allowed + Math.ceil(shareds / this.#options.callsPerThread) - this.#startingCount();
    for (let more = 0; more < wanted && this.#threads.count < this.#threads.maxThreads; more++) {
      this.#counts.scaleUps++;
      this.#threads.spawn();
    }
  }

  /** Threads that Piscina has and that do not yet take calls. */
  #startingCount(): number {
    let known = 0;
    for (const link of this.#links.values()) if (link.isReady && this.#threads.has(link.id)) known++;
    return this.#threads.count - known;
  }

  #onCancelled(call: ToolCall, reason: Parameters<RunningCall['cancel']>[0]): void {
    if (this.#unqueue(call)) return;
    const link = this.#linkOf(call);
    if (!link) return;
    link.post({ type: 'cancel', call: call.number, reason });
    setTimeout(() => {
      if (link.callOf(call.number) === call)
        this.#kill(link, 'a cancelled call did not stop within its grace');
    }, this.#options.cancelGraceMs).unref();
  }

  #linkOf(call: ToolCall): ThreadLink | undefined {
    for (const link of this.#links.values()) if (link.callOf(call.number) === call) return link;
    return undefined;
  }

  // -------------------------------------------------------------- threads

  #onHello(hello: ThreadHello, port: MessagePort): void {
    if (hello.failure !== null) {
      this.#catalogs.fail(hello.failure);
      this.#tell((to) =>
        to.thread?.({ kind: 'failed', threadId: hello.threadId, detail: hello.failure ?? '' }),
      );
    }
    const link = new ThreadLink(hello.threadId, port, {
      frame: (from, frame) => this.#onFrame(from, frame),
      freed: (_from, call) => this.#onFreed(call),
      orphaned: (_from, call, rejection) =>
        call.fail(
          new ToolError('internal', 'the call could not be given to its thread', { cause: rejection }),
        ),
      gone: (from, lost, rejection) => this.#onGone(from, lost, rejection),
    });
    link.unref();
    this.#links.set(link.id, link);
    // A thread that could not load its tools stays, unused, until liveness replaces it: replacing at once would spin.
    if (hello.failure !== null) link.leave('retired');
    else if (!this.#catalogs.isKnown) link.post({ type: 'describe' });
  }

  #onReady(threadId: number): void {
    const link = this.#links.get(threadId);
    // `hello` may come after Piscina's ready event: then look again in a turn.
    if (!link) {
      if (this.#threads.has(threadId)) setImmediate(() => this.#onReady(threadId));
      return;
    }
    link.markReady();
    this.#tell((to) => to.thread?.({ kind: 'started', threadId }));
    this.#pump();
  }

  #onFrame(link: ThreadLink, frame: ThreadFrame): void {
    switch (frame.type) {
      case 'pong':
        link.heapUsedBytes = frame.heapUsedBytes;
        link.utilization = frame.utilization;
        return;
      case 'described':
        return this.#catalogs.described(frame);
      case 'notice':
        return this.#tell((to) => to.notice?.(frame.notice));
      case 'retiring':
        this.#counts.restarts++;
        return this.#retire(link, frame.reason);
      case 'log':
        return this.#onLog(link, frame);
      case 'started': {
        const call = link.callOf(frame.call);
        call?.receive(frame);
        if (call) this.#waitUs.record(atLeastOne(call.waitedMs * 1000));
        return;
      }
      case 'result':
      case 'error':
        link.callOf(frame.call)?.receive(frame);
        return link.ended(frame.call);
      default:
        link.callOf(frame.call)?.receive(frame);
    }
  }

  #onLog(link: ThreadLink, frame: Extract<ThreadFrame, { type: 'log' }>): void {
    const call = frame.call === null ? undefined : link.callOf(frame.call);
    const { level, message, data } = frame;
    const record = { callId: call?.callId ?? null, tool: call?.request.name ?? null, level, message };
    this.#tell((to) => to.log?.(data === undefined ? record : { ...record, data }));
    if (call?.request.logLevel !== undefined) call.receive(frame);
  }

  #onFreed(call: ToolCall): void {
    this.#runUs.record(atLeastOne(call.ranMs * 1000));
    for (const link of this.#links.values()) this.#endIfRetired(link);
    this.#pump();
  }

  /** Lets a thread's calls finish and gives it no more. */
  #retire(link: ThreadLink, reason: string): void {
    link.leave('retired');
    this.#tell((to) => to.thread?.({ kind: 'retired', threadId: link.id, detail: reason }));
    this.#endIfRetired(link);
  }

  #endIfRetired(link: ThreadLink): void {
    if (link.leaving === 'retired' && link.calls === 0) this.#threads.kill(link.id);
  }

  #kill(link: ThreadLink, reason: string): void {
    if (link.leaving === 'killed') return;
    link.leave('killed');
    this.#counts.kills++;
    this.#tell((to) => to.thread?.({ kind: 'killed', threadId: link.id, detail: reason }));
    this.#threads.kill(link.id);
  }

  #killStuck(link: ThreadLink): void {
    this.#stuck.add(link.id);
    this.#kill(link, 'it did not answer for 5 s');
  }

  #onGone(link: ThreadLink, lost: readonly ToolCall[], rejection: unknown): void {
    this.#links.delete(link.id);
    const wasStuck = this.#stuck.delete(link.id);
    if (link.leaving === 'idle') this.#counts.scaleDowns++;
    else this.#counts.restarts++;
    if (link.leaving === null || link.leaving === 'retired') this.#counts.crashes += lost.length > 0 ? 1 : 0;
    this.#tell((to) => to.thread?.({ kind: 'ended', threadId: link.id, detail: link.leaving ?? 'crashed' }));
    for (const call of lost) this.#onLost(call, rejection, wasStuck || link.leaving === 'killed');
    if (!this.#isClosed) this.#pump();
  }

  #onLost(call: ToolCall, rejection: unknown, wasKilled: boolean): void {
    if (call.isEnded) return;
    if (!call.hasStarted && !this.#isClosed) {
      if (++call.lostStarts <= MAX_LOST_STARTS) {
        this.#queue.addFirst(call);
        this.#watchWait(call);
        return;
      }
      call.fail(
        new ToolError(
          'unavailable',
          `${call.lostStarts} threads ended before the call could run; try again later`,
        ),
      );
      return;
    }
    const death = explainDeath(rejection, wasKilled);
    call.fail(call.crashError(death.code, death.message));
  }

  /** Threads that end while they load are not replaced by Piscina; calls that wait would wait for ever. */
  #keepMinimum(): void {
    if (this.#isClosed) return;
    for (const link of this.#links.values())
      if (!link.isReady || link.leaving === 'retired') this.#endIfRetired(link);
    for (let missing = this.#options.minThreads - this.#threads.count; missing > 0; missing--)
      this.#threads.spawn();
    this.#pump();
  }

  // ---------------------------------------------------------------- whole

  /**
   * Replaces all threads by ones that load the tool modules anew, once a trial thread has loaded them. Running calls
   * finish on the old ones.
   * @throws {ToolError} `unavailable` when they do not load; the old threads go on then.
   */
  async reload(): Promise<void> {
    const catalog = await loadOnTrial(this.#options);
    if (this.#isClosed) return;
    this.#adopt(catalog);
    this.#catalogs.replace(catalog);
    for (const link of [...this.#links.values()]) this.#retire(link, 'the tool modules changed');
    this.#tell((to) => to.catalogChanged?.(catalog));
  }

  stats(): RunnerStats {
    const threads = [...this.#links.values()].map((link) => link.stats());
    const alive = threads.filter((thread) => thread.state === 'idle' || thread.state === 'busy').length;
    const busy = [...this.#links.values()].filter(
      (link) => link.calls > 0 || link.leaving === 'killed',
    ).length;
    const { minThreads: min, maxThreads: max } = this.#options;
    const { restarts, ...counts } = this.#counts;
    return {
      status: alive === 0 && busy === 0 ? 'down' : alive < min ? 'degraded' : 'ok',
      workers: {
        min,
        max,
        alive: this.#threads.count,
        busy,
        idle: threads.filter((thread) => thread.state === 'idle').length,
        starting: Math.max(0, this.#startingCount()),
        restarts,
      },
      queue: { depth: this.#queue.size, limit: this.#queue.limit },
      threads,
      waitMs: percentilesMs(this.#waitUs),
      runMs: percentilesMs(this.#runUs),
      ...counts,
    };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#liveness.close();
    for (const call of this.#queue.inOrder()) call.cancel('unavailable', 'the gateway is shutting down');
    for (const link of this.#links.values()) link.failAll();
    await this.#threads.destroy();
    for (const link of this.#links.values()) link.close();
  }
}

const atLeastOne = (value: number): number => Math.max(1, Math.round(value));

function percentilesMs(histogramUs: RecordableHistogram): Percentiles {
  const ms = (percentile: number) =>
    histogramUs.count === 0 ? 0 : histogramUs.percentile(percentile) / 1000;
  return { p50: ms(50), p95: ms(95), p99: ms(99) };
}
