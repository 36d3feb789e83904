/**
 * Runs calls on threads: admission and choice of thread. Implements Runner.
 *
 * W1. A call is queued, on one thread, or ended; it is handed to a thread only when the rules (thread-choice) fit.
 * W2. The queue is looked at again whenever that may have changed: a thread is ready or gone, a slot is free.
 * W3. How calls and threads end when they do not end by themselves is in ending/.
 */
import { availableParallelism } from 'node:os';
import type { Expected } from '../../async/admission-queue.ts';
import { DurationHistogram } from '../../async/duration-histogram.ts';
import { GuardedList } from '../../async/guarded-list.ts';
import type { Catalog, Isolation } from '../../call/catalog.ts';
import type { CancelReason } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { Proposal, Runner, RunnerListener, RunnerStatus, ToolLogRecord } from '../runner.ts';
import { type PoolStats, poolStats } from './crew/crew-stats.ts';
import { type CrewOptions, ThreadCrew } from './crew/thread-crew.ts';
import type { ThreadLink } from './crew/thread-link.ts';
import { Definitions } from './definitions.ts';
import { CancelLadder } from './ending/cancel-ladder.ts';
import { isTriedAgain } from './ending/lost-calls.ts';
import type { ThreadDeath } from './ending/thread-death.ts';
import { Hearing } from './hearing.ts';
import { KeyShares } from './key-shares.ts';
import { type ModuleWatch, watchModules } from './modules/module-watch.ts';
import { chooseThread, expectedOn, packedRoom, reserveThread, SILENCE_MS } from './thread-choice.ts';
import { type CallHost, type PooledCall, ToolCall } from './tool-call.ts';
import { WaitingCalls } from './waiting-calls.ts';

export interface PoolOptions extends CrewOptions {
  /** Of the runner. Default: `threads`. */
  readonly name?: string;
  readonly queueLimit: number;
  readonly queueWaitMs: number;
  readonly cancelGraceMs: number;
  /** Whether a change of the tool modules asks for a reload. Default: no. */
  readonly watchesModules?: boolean;
  /** True: who gives it calls decides how many, so that none is refused because memory is short. Default: false. */
  readonly admitsAll?: boolean;
  /** Leaves to others what its threads load and it is not to run. Default: it runs all. */
  readonly share?: (loaded: Catalog) => Share;
  /** What is not as it should be from the start on: logged once somebody listens. */
  readonly warning?: string;
}

/** What a pool runs of what its threads have loaded; the rest is proposed to whoever runs that. */
export interface Share extends Proposal {
  readonly own: Catalog;
}

const shareNothing = (own: Catalog): Share => ({ own, accept: () => undefined, withdraw: () => undefined });

const HOOKS = ['log', 'notice', 'catalogChanged', 'reloadWanted', 'unit', 'defect'] as const;

function memoryIsShort(): ToolError {
  const text = 'memory is short (MEMORY_LIMIT); try again shortly';
  return new ToolError('overloaded', text, { retryAfterMs: 1000 });
}

export class WorkerPool implements Runner {
  readonly name: string;
  readonly #options: PoolOptions;
  readonly #listeners: GuardedList<RunnerListener>;
  readonly #crew: ThreadCrew;
  readonly #queue: WaitingCalls;
  readonly #shares: KeyShares;
  readonly #callHost: CallHost;
  readonly #ladder: CancelLadder;
  readonly #waits = new DurationHistogram();
  readonly #runs = new DurationHistogram();
  #definitions = new Definitions({ tools: [], resources: [], prompts: [] });
  #exclusiveLimit: number;
  /** Kept free of shared calls for the exclusive call that waits first, until the queue is looked at again. */
  #reserved: ThreadLink | null = null;
  /** Threads that calls of quick tools are kept to; more than one, for one may block. */
  readonly #packedThreads = Math.max(2, availableParallelism());
  readonly #hearing = new Hearing();
  /** While a call waits for one of these though another thread is idle, or may be started. */
  #hold: NodeJS.Timeout | null = null;
  #nextCall = 1;
  #watch: ModuleWatch | null = null;
  #isClosed = false;

  private constructor(options: PoolOptions, known: Catalog | null = null) {
    this.name = options.name ?? 'threads';
    this.#options = options;
    this.#listeners = new GuardedList(HOOKS, (hook, error) => {
      if (hook !== 'defect')
        this.#listeners.tell('defect', { during: `a listener of "${hook}"`, error, callId: null });
    });
    this.#exclusiveLimit = options.maxThreads;
    this.#shares = new KeyShares(options.callsPerThread);
    const expected: Expected = (shared, exclusive) =>
      expectedOn(this.#crew, this.#exclusiveLimit, options.callsPerThread, { shared, exclusive });
    this.#queue = new WaitingCalls({ ...options, held: this.#shares.of, expected });
    this.#callHost = {
      cancelled: (call, reason) => this.#onCancelled(call, reason),
      defect: (defect) => this.#listeners.tell('defect', defect),
    };
    this.#crew = new ThreadCrew(
      options,
      {
        changed: () => this.#pump(),
        freed: (call) => this.#onFreed(call),
        refused: (call) => this.#onRefused(call),
        lost: (call, death) => this.#onLost(call, death),
        listeners: this.#listeners,
      },
      known,
    );
    this.#ladder = new CancelLadder(this.#hearing, {
      graceMs: options.cancelGraceMs,
      links: () => this.#crew.links,
      hasFreeThread: () => this.#choose('exclusive', null, false, false, performance.now()) !== null,
      takenBack: (call) => this.#onTakenBack(call),
      prepareSuccessor: (behind) => this.#crew.prepareSuccessor(behind),
      kill: (link, reason) => this.#crew.kill(link, reason),
    });
  }

  /**
   * Starts the threads and waits until the first has loaded all tool modules. What was logged until then is told once
   * somebody can listen.
   * @throws {ToolError} `unavailable` with the module, the reason and the next step when one cannot be loaded.
   */
  static async start(options: PoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(options);
    const told: ToolLogRecord[] = [];
    const stopKeeping = pool.#listeners.add({ log: (record) => told.push(record) });
    try {
      const { own, accept } = pool.#share(await pool.#crew.catalogs.first);
      stopKeeping();
      pool.#crew.catalogs.replace(own);
      pool.#adopt(own);
      accept();
      if (options.watchesModules) pool.#watchModules();
      setImmediate(() => {
        if (options.warning !== undefined) pool.#warn(options.warning);
        for (const record of told) pool.#listeners.tell('log', record);
      });
    } catch (error) {
      await pool.close();
      throw error;
    }
    return pool;
  }

  /** A pool whose threads are going to load what is known already; it starts none before one is needed. */
  static over(options: PoolOptions, known: Catalog): WorkerPool {
    const pool = new WorkerPool(options, known);
    pool.#adopt(known);
    return pool;
  }

  #warn(message: string): void {
    this.#listeners.tell('log', { callId: null, tool: null, level: 'warning', message });
  }

  get catalog(): Catalog {
    return this.#crew.catalogs.current;
  }

  listen(listener: RunnerListener): () => void {
    return this.#listeners.add(listener);
  }

  #watchModules(): void {
    this.#watch = watchModules(this.#options.settings.toolModules, () =>
      this.#listeners.tell('reloadWanted', undefined),
    );
  }

  #adopt(catalog: Catalog): void {
    this.#definitions = new Definitions(catalog);
    const { maxThreads } = this.#options;
    this.#exclusiveLimit = this.#definitions.hasShared && maxThreads > 1 ? maxThreads - 1 : maxThreads;
  }

  #share(loaded: Catalog): Share {
    return (this.#options.share ?? shareNothing)(loaded);
  }

  call(request: PooledCall): ToolCall {
    this.#crew.noteCaller(request.caller.keyId);
    const definition = this.#definitions.of(request.kind ?? 'tool', request.name);
    const call = new ToolCall(this.#nextCall++, request, definition, this.#callHost);
    if (this.#isClosed) call.fail(new ToolError('unavailable', 'the gateway is shutting down'));
    else if (this.#crew.memory.isShort && this.#options.admitsAll !== true) call.fail(memoryIsShort());
    // What waits does not fit now, or the last look at the queue would have handed it over.
    else if (!this.#mayGoFirst(call) || !this.#tryGive(call)) this.#enqueue(call);
    return call;
  }

  /** Whether no other waits for a thread that this one could wait on: of several keys the queue knows whose turn it is. */
  #mayGoFirst(call: ToolCall): boolean {
    return !call.isExclusive || this.#queue.exclusives === 0;
  }

  /** Hands the call to a thread that fits it now, if one does. */
  #tryGive(call: ToolCall): boolean {
    const { keyId } = call.request.caller;
    const now = performance.now();
    const isQuick = call.speed?.isQuick === true;
    const mayQueue = call.lostStarts === 0;
    const link = this.#choose(call.isExclusive ? 'exclusive' : 'shared', keyId, isQuick, mayQueue, now);
    if (link === null) return false;
    if (call.isExclusive && link.calls > 0) this.#lookAgain();
    this.#shares.take(call);
    link.take(call, now);
    this.#crew.memory.wake();
    return true;
  }

  #choose(
    isolation: Isolation,
    keyId: string | null,
    isQuick: boolean,
    mayQueue: boolean,
    now: number,
  ): ThreadLink | null {
    return chooseThread(isolation, this.#crew.links, {
      callsPerThread: this.#options.callsPerThread,
      exclusiveThreads: this.#exclusiveLimit,
      reserved: this.#reserved,
      keyId,
      isQuick,
      mayQueue,
      packedThreads: this.#packedThreads,
      heardTo: this.#hearing.upTo(now),
    });
  }

  #enqueue(call: ToolCall): void {
    const { startTrouble } = this.#crew;
    if (startTrouble !== null) return call.fail(noThread(startTrouble));
    if (this.#queue.add(call)) this.#pump();
  }

  /** How many threads more calls like this exclusive one may have. Where that is bounded, they are looked at again. */
  #roomFor({ speed }: ToolCall): number {
    if (!speed?.isQuick) return Number.POSITIVE_INFINITY;
    this.#lookAgain();
    const heardTo = this.#hearing.upTo(performance.now());
    return packedRoom(this.#crew.links, { packedThreads: this.#packedThreads, heardTo });
  }

  /** Looks again in a moment at what waits for calls that should not take long. */
  #lookAgain(): void {
    this.#hold ??= setTimeout(() => {
      this.#hold = null;
      this.#takeBackLines();
      this.#pump();
    }, SILENCE_MS);
  }

  /** What waits in line behind a call that takes long after all waits for any thread instead. */
  #takeBackLines(): void {
    const before = this.#hearing.upTo(performance.now()) - SILENCE_MS;
    for (const link of this.#crew.links) {
      if (link.queued > 0 && link.takenAt > before) this.#lookAgain();
      else for (const call of link.takeBackLine().reverse()) this.#requeue(call);
    }
  }

  /** It was on a thread that did not begin it. */
  #requeue(call: ToolCall): void {
    this.#shares.giveBack(call);
    if (call.isEnded) return;
    this.#queue.addFirst(call);
  }

  /** It was cancelled in line. */
  #onTakenBack(call: ToolCall): void {
    this.#shares.giveBack(call);
    this.#pump();
  }

  /** Hands over what fits now, in fair order, and asks for the threads that the rest needs. */
  #pump(): void {
    this.#reserved = null;
    if (this.#queue.size === 0 || this.#isClosed) return;
    const { startTrouble } = this.#crew;
    if (startTrouble !== null) return this.#giveUp(startTrouble);
    let fitsExclusive = true;
    let fitsShared = true;
    let room = Number.POSITIVE_INFINITY;
    for (const call of this.#queue.inOrder()) {
      if (!(call.isExclusive ? fitsExclusive : fitsShared)) continue;
      if (this.#tryGive(call)) {
        this.#queue.remove(call);
      } else if (call.isExclusive) {
        fitsExclusive = false; // nor does any other
        room = this.#roomFor(call);
        const isStarved = !this.#crew.canGrow && this.#crew.exclusives < this.#exclusiveLimit;
        if (isStarved && room > 0) this.#reserved ??= reserveThread(this.#crew.links);
      } else {
        fitsShared = false;
      }
      const { size, exclusives } = this.#queue;
      const mayGoOn = (fitsExclusive && exclusives > 0) || (fitsShared && size > exclusives);
      if (!mayGoOn) break;
    }
    if (this.#crew.canGrow) this.#grow(room);
  }

  /** Ends what waits: there is nothing to wait for. */
  #giveUp(trouble: string): void {
    for (const call of [...this.#queue.inOrder()]) {
      this.#queue.remove(call);
      call.fail(noThread(trouble));
    }
  }

  /** Asks for as many threads as the calls that wait could use. @param room what exclusive ones may have of them. */
  #grow(room: number): void {
    const { size, exclusives } = this.#queue;
    const free = Math.max(0, this.#exclusiveLimit - this.#crew.exclusives);
    const allowed = Math.min(exclusives, free, room);
    const shareds = Math.ceil((size - exclusives) / this.#options.callsPerThread);
    this.#crew.grow(allowed + shareds - this.#crew.starting);
  }

  #onCancelled(call: ToolCall, reason: CancelReason): void {
    if (!this.#queue.remove(call)) this.#ladder.climb(call, reason);
  }

  #onFreed(call: ToolCall): void {
    this.#shares.giveBack(call);
    this.#queue.placeFreed();
    if (call.hasStarted) {
      const { ranMs } = call;
      this.#waits.record(call.waitedMs);
      this.#runs.record(ranMs);
      call.speed?.ran(ranMs);
    }
    this.#pump();
  }

  /** It goes to a thread that no other caller has changed. This ends: its own is ready in a moment, or retired. */
  #onRefused(call: ToolCall): void {
    this.#requeue(call);
    this.#pump();
  }

  #onLost(call: ToolCall, death: ThreadDeath): void {
    this.#shares.giveBack(call);
    if (!isTriedAgain(call, death, this.#isClosed)) return;
    this.#queue.addFirst(call);
  }

  /**
   * Loads the tool modules anew and swaps the threads; running calls finish on the old ones.
   * @throws {ToolError} `unavailable` when a module does not load, or what `accept` threw; everything goes on as
   * before then.
   */
  async reload(accept: (catalog: Catalog) => void): Promise<void> {
    const share = this.#share(await this.#crew.loadAnew());
    try {
      accept(share.own);
    } catch (error) {
      share.withdraw();
      throw error;
    }
    this.swap(share.own);
    share.accept();
  }

  /** Swaps the threads for ones that load the tool modules anew, which hold `catalog` now. */
  swap(catalog: Catalog): void {
    this.#crew.swap(catalog);
    this.#adopt(catalog);
    this.#listeners.tell('catalogChanged', catalog);
  }

  health(): RunnerStatus {
    return this.#crew.stats().status;
  }

  stats(): PoolStats {
    return poolStats(this.#crew.stats(), {
      queue: { depth: this.#queue.size, limit: this.#queue.limit },
      waitMs: this.#waits.percentiles(),
      waits: this.#waits.sinceStart(),
      runMs: this.#runs.percentiles(),
    });
  }

  async close(graceMs = this.#options.cancelGraceMs): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#hold ?? undefined);
    this.#queue.close();
    this.#watch?.close();
    for (const call of this.#queue.inOrder()) call.cancel('unavailable', 'the gateway is shutting down');
    await this.#crew.close(graceMs);
  }
}

const noThread = (trouble: string): ToolError =>
  new ToolError('unavailable', trouble, { retryAfterMs: 1000 });
