/**
 * The threads of a pool: how they come, what is known of each, how they go; which call goes where is the pool's.
 *
 * T1. A thread takes calls from its hello on until it leaves: idle, retired or killed (thread-life.ts).
 * T2. How it is ended, and what becomes of its calls then, is in ending/.
 * T3. A thread that loaded its tools is replaced as soon as it is lost; one that could not, at the next liveness
 *     tick: replacing it at once would spin.
 * T4. The first thread starts alone: beside others it would load its tools slower, and the first call waits for it.
 * T5. One thread above the maximum may start while another is about to be killed (successor.ts); calls never run on
 *     more threads than the maximum.
 * T6. At the end every call is cancelled as any other is: its tool hears of it and has its grace. Threads without a
 *     call end at once, the others with their last.
 * T7. Where no thread can start, nothing waits for one: a new one is tried at each liveness tick, and calls are served
 *     again once one has loaded.
 */
import { inspect } from 'node:util';
import type { GuardedList } from '../../../async/guarded-list.ts';
import type { Catalog } from '../../../call/catalog.ts';
import { describeThrown } from '../../../call/tool-error.ts';
import type { RunnerListener } from '../../runner.ts';
import { Ejections } from '../ending/failure-streak.ts';
import { Successor } from '../ending/successor.ts';
import type { ThreadDeath } from '../ending/thread-death.ts';
import { type SayOfThread, ThreadEnds } from '../ending/thread-ends.ts';
import { defaultMemoryLimit } from '../memory/available-memory.ts';
import { MemoryWatch, memoryLimits } from '../memory/memory-watch.ts';
import { PiscinaThreads, type ThreadsOptions } from '../piscina/piscina-threads.ts';
import type { ThreadFrame } from '../port/frames.ts';
import type { SourceHost, ThreadSource } from '../thread-source.ts';
import type { ToolCall } from '../tool-call.ts';
import { CatalogReader } from './catalog-reader.ts';
import { type CrewCounts, type CrewStats, crewStats } from './crew-stats.ts';
import { KnownCallers } from './known-callers.ts';
import { Liveness } from './liveness.ts';
import { type LogFrame, recordOf } from './log-record.ts';
import { PostTurn } from './post-turn.ts';
import { ThreadLink } from './thread-link.ts';
import { loadOnTrial } from './trial-thread.ts';

export interface CrewListener {
  /** A thread is ready, or gone: something that waits may fit now. */
  changed(): void;
  /** A call's place on its thread is free again. */
  freed(call: ToolCall): void;
  /** A thread would not begin a call: it is to be tried elsewhere. */
  refused(call: ToolCall): void;
  /** A call went down with its thread. */
  lost(call: ToolCall, death: ThreadDeath): void;
  /** Whoever listens to the runner. */
  readonly listeners: GuardedList<RunnerListener>;
}

export type OpenSource = (options: ThreadsOptions, host: SourceHost) => ThreadSource;

export interface CrewOptions extends ThreadsOptions {
  /** Where the threads come from. Default: Piscina. */
  readonly threads?: OpenSource;
  /** What one is called where its life is told. Default: `thread`. */
  readonly unit?: string;
  /** Whether one caller alone is expected: threads are made for that, until another comes. Default: no. */
  readonly hasOneCaller?: boolean;
}

/** How long the first thread may take to load the tool modules. */
const START_MS = 30_000;
const ENDED_AT_LOAD =
  'a tool module ended its thread while loading (process.exit or a crash); correct the module';

/** A burst's threads serve the next burst. */
const IDLE_MS = 30_000;

type LastFrame = Extract<ThreadFrame, { readonly type: 'result' | 'error' }>;

/** What no frame can look like, for the log. */
const shown = (frame: unknown): string => inspect(frame, { depth: 1, breakLength: Infinity }).slice(0, 200);

export class ThreadCrew {
  readonly catalogs = new CatalogReader(START_MS);
  readonly #options: CrewOptions;
  readonly #listener: CrewListener;
  readonly #openSource: OpenSource;
  readonly #threads: ThreadSource;
  readonly #links = new Map<number, ThreadLink>();
  readonly #turn = new PostTurn();
  readonly #liveness: Liveness;
  readonly memory: MemoryWatch<ThreadLink>;
  #isClosed = false;
  readonly #callers: KnownCallers;
  #onStopped: () => void = () => {};
  #cannotStart = false;
  readonly #successor = new Successor();
  readonly #ejections = new Ejections();
  readonly #ends: ThreadEnds;
  readonly #counts: CrewCounts = { scaleUps: 0, scaleDowns: 0, crashes: 0, kills: 0, restarts: 0 };

  /** @param known what the threads are going to load, where that is known before any has. */
  constructor(options: CrewOptions, listener: CrewListener, known: Catalog | null = null) {
    this.#options = options;
    this.#callers = new KnownCallers(options.hasOneCaller === true);
    this.#listener = listener;
    this.#openSource = options.threads ?? ((own, host) => new PiscinaThreads(own, host));
    if (known) this.catalogs.described({ catalog: known, failure: null });
    this.#ends = new ThreadEnds(this.#counts, this.#say);
    const { heapMb, memoryLimitBytes = defaultMemoryLimit() } = options;
    const limits = memoryLimits(heapMb, memoryLimitBytes);
    this.memory = new MemoryWatch(limits, {
      threads: () => this.#links.values(),
      tooLarge: (link, reason) => this.#ends.kill(link, reason, 'crashes'),
    });
    this.#threads = this.#openSource({ ...options, hardHeapMb: limits.hardHeapMb }, this.#sourceHost);
    this.#liveness = new Liveness(this.#links, {
      stuck: (link) => this.kill(link, 'it was blocked for 5 s'),
      tick: () => this.#onTick(),
    });
    if (!known || options.minThreads > 0) this.#spawn();
  }

  get #sourceHost(): SourceHost {
    return {
      onError: (error) => this.#say('error', -1, describeThrown(error), true),
      listeners: this.#listener.listeners,
    };
  }

  /** Oldest first; may be gone through more than once. */
  readonly links: Iterable<ThreadLink> = { [Symbol.iterator]: () => this.#links.values() };

  get canGrow(): boolean {
    return this.#threads.mayStart && this.#threads.count < this.#options.maxThreads;
  }

  /**
   * Why calls need not wait: there is no thread, and the last that started could not load its tools (T7). Null where one
   * may come; of threads that nobody keeps ready the next call starts one, once that may be.
   */
  get startTrouble(): string | null {
    if (!this.#threads.mayStart && !this.#hasHope) return this.#threads.trouble;
    const mayTry = this.#options.minThreads === 0 && this.#threads.mayStart;
    return this.#cannotStart && !mayTry ? this.#threads.trouble : null;
  }

  /** Threads with an exclusive call on them. */
  get exclusives(): number {
    return [...this.#links.values()].filter((link) => link.hasExclusive).length;
  }

  /** Threads that do not take calls yet. */
  get starting(): number {
    return [...this.#links.values()].filter(({ life }) => !life.hasLoaded && life.leaving === null).length;
  }

  /** Threads that start, or could. */
  get coming(): number {
    return this.starting + (this.canGrow ? this.#options.maxThreads - this.#threads.count : 0);
  }

  /** Somebody makes a call. Threads are prepared for several from the second caller on; those for one alone are replaced. */
  noteCaller(keyId: string): void {
    if (this.#callers.note(keyId)) this.#replaceAll('a second caller has come');
  }

  /** Starts `count` more threads, as far as the maximum allows. */
  grow(count: number): void {
    for (let more = 0; more < count && this.canGrow; more++) {
      this.#counts.scaleUps++;
      this.#spawn();
    }
  }

  /** Starts the thread that follows `behind`, which is about to be killed, where the maximum is reached (T5). */
  prepareSuccessor(behind: ThreadLink): void {
    const mayStart = !this.canGrow && this.#threads.mayStart && !this.#isClosed;
    if (mayStart) this.#successor.prepare(behind, () => this.#spawn());
  }

  #spawn(): ThreadLink {
    const thread = this.#threads.spawn(this.#callers.expected);
    const link = new ThreadLink(thread, this.#turn, {
      frame: (from, frame) => this.#onFrame(from, frame),
      freed: (from, call) => {
        const dismissed = this.#successor.dismissFor(from);
        if (dismissed) this.#ends.letGo(dismissed);
        this.#ends.endIfRetired(from);
        this.#listener.freed(call);
        if (this.#isClosed) this.#letGoAtEnd(from);
      },
      impossible: (from, frame) => this.kill(from, `it sent an impossible frame: ${shown(frame)}`),
      defect: (from, frame, error) => this.#onDefect(from, frame, error),
      lost: (from) => {
        if (from.life.hasLoaded) this.#makeUp();
      },
      gone: (from, unfinished, loss) => this.#onGone(from, unfinished, loss),
    });
    this.#links.set(link.id, link);
    return link;
  }

  #keepMinimum(): void {
    while (this.#threads.mayStart && this.#threads.count < this.#options.minThreads) this.#spawn();
  }

  /** Replaces what was lost, and lets what waits find its place. */
  #makeUp(): void {
    if (this.#isClosed) return;
    if (this.#threads.count <= this.#options.maxThreads) this.#successor.callIn();
    this.#keepMinimum();
    this.#listener.changed();
  }

  /** Ends a thread, whatever runs on it. */
  kill(link: ThreadLink, reason: string): void {
    this.#ends.kill(link, reason);
  }

  /**
   * What the tool modules hold now: a trial thread loads them.
   * @throws {ToolError} `unavailable` when they do not load.
   */
  loadAnew(): Promise<Catalog> {
    const threads = this.#openSource({ ...this.#options, maxThreads: 1 }, this.#sourceHost);
    return loadOnTrial(threads, (frame) => this.#listener.listeners.tell('log', recordOf(frame)));
  }

  /** Replaces all threads by ones that load the tool modules anew. Running calls finish on the old ones. */
  swap(catalog: Catalog): void {
    this.catalogs.replace(catalog);
    this.#replaceAll('the tool modules changed');
  }

  #replaceAll(reason: string): void {
    for (const link of [...this.#links.values()]) this.#ends.retire(link, reason, false);
  }

  readonly #say: SayOfThread = (kind, threadId, detail, isTrouble) => {
    const { unit = 'thread' } = this.#options;
    this.#listener.listeners.tell('unit', { unit, id: threadId, kind, isTrouble, detail });
  };

  #onHello(link: ThreadLink, failure: string | null): void {
    if (failure !== null) {
      link.life.leave('retired');
      this.catalogs.fail(failure);
      this.#say('failed', link.id, failure, true);
      this.#onStillborn();
      return;
    }
    this.#cannotStart = false;
    if (!this.catalogs.isKnown) link.post({ type: 'describe' });
    this.#say('started', link.id, '', false);
    this.#makeUp();
  }

  #onFrame(link: ThreadLink, frame: ThreadFrame): void {
    switch (frame.type) {
      case 'hello':
        link.load(frame);
        return this.#onHello(link, frame.failure);
      case 'pong':
        return link.note(frame);
      case 'described':
        return this.catalogs.described(frame);
      case 'notice':
        return this.#listener.listeners.tell('notice', frame.notice);
      case 'retiring':
        return this.#ends.retire(link, frame.reason, true);
      case 'refused':
        return this.#onRefused(link, frame.call);
      case 'log':
        return this.#onLog(link, frame);
      case 'result':
        return this.#onResult(link, frame);
      case 'error':
        return this.#end(link, frame);
      default:
        link.callOf(frame.call)?.receive(frame);
    }
  }

  #onRefused(link: ThreadLink, number: number): void {
    const call = link.giveBack(number);
    this.#ends.endIfRetired(link);
    if (call) this.#listener.refused(call);
    if (this.#isClosed) this.#letGoAtEnd(link);
  }

  /** A result waits for what is found of a thread that may have outgrown its heap for it. */
  #onResult(link: ThreadLink, frame: LastFrame): void {
    const verdict = this.memory.verdict(link);
    if (verdict !== null) void verdict.then(() => this.#endUnlessDying(link, frame));
    else this.#endUnlessDying(link, frame);
  }

  /** A thread that has to go for its memory has nothing more to say: what its calls end with is decided. */
  #endUnlessDying(link: ThreadLink, frame: LastFrame): void {
    if (this.memory.deathOf(link) === undefined) this.#end(link, frame);
  }

  #end(link: ThreadLink, frame: LastFrame): void {
    link.callOf(frame.call)?.receive(frame);
    this.#onEnded(link, frame);
  }

  #onLog(link: ThreadLink, frame: LogFrame): void {
    const call = frame.call === null ? undefined : link.callOf(frame.call);
    if (frame.isTold !== true) this.#listener.listeners.tell('log', recordOf(frame, call));
    if (call?.request.logLevel !== undefined) call.receive(frame);
  }

  #onEnded(link: ThreadLink, frame: LastFrame): void {
    if (link.ended(frame)) this.#counts.crashes++;
    if (link.failures.add(frame) && link.life.leaving === null && this.#ejections.take())
      this.#ends.retire(link, 'three calls in a row failed on it before their tools began', true);
    this.#ends.endIfRetired(link);
  }

  /** Ends the call that the defect came up in; its thread and all other calls go on. */
  #onDefect(link: ThreadLink, frame: ThreadFrame | null, error: unknown): void {
    const call = frame && 'call' in frame && frame.call !== null ? link.callOf(frame.call) : undefined;
    const during = frame ? `a frame of type "${frame.type}"` : `the life of thread ${link.id}`;
    this.#listener.listeners.tell('defect', { during, error, callId: call?.callId ?? null });
    call?.breakOff(error);
    if (frame && (frame.type === 'result' || frame.type === 'error')) this.#onEnded(link, frame);
  }

  #onGone(link: ThreadLink, unfinished: readonly ToolCall[], loss: unknown): void {
    this.#links.delete(link.id);
    this.#successor.gone(link);
    const explained = this.#ends.gone(link, loss);
    const death = this.memory.deathOf(link) ?? explained;
    const { leaving, hasLoaded } = link.life;
    if (leaving === null && !hasLoaded) this.catalogs.fail(ENDED_AT_LOAD);
    for (const call of unfinished) this.#listener.lost(call, death);
    if (this.#isClosed) this.#tellIfStopped();
    else if (hasLoaded) this.#listener.changed();
    else if (leaving === null) this.#onStillborn();
  }

  /** Whether there is a thread that takes calls, or may soon. */
  get #hasHope(): boolean {
    return [...this.#links.values()].some(({ life }) => life.isHope);
  }

  /** A thread could not load its tools. */
  #onStillborn(): void {
    if (this.#hasHope) return;
    this.#cannotStart = this.#threads.trouble !== null;
    this.#listener.changed();
  }

  #onTick(): void {
    this.memory.glance();
    const { minThreads, idleMs = IDLE_MS } = this.#options;
    const idleBefore = performance.now() - idleMs;
    for (const link of this.#links.values()) {
      this.#ends.endIfRetired(link);
      if (this.#threads.count > minThreads && link.isIdleSince(idleBefore)) this.#ends.letGo(link);
    }
    this.#makeUp();
  }

  stats(): CrewStats {
    const { minThreads: min, maxThreads: max } = this.#options;
    const { count, stuck } = this.#threads;
    const alive = count - this.#successor.count;
    const size = { min, max, alive, starting: this.starting, ...(stuck > 0 ? { stuck } : {}) };
    return crewStats(this.#links.values(), size, this.#counts, this.startTrouble);
  }

  /** @param graceMs how long tools may take to stop, cancelled as they all are, before their threads are ended (T6). */
  async close(graceMs: number): Promise<void> {
    this.#isClosed = true;
    this.#liveness.close();
    this.memory.close();
    for (const link of this.#links.values()) link.failAll();
    await this.#stopped(graceMs);
    await this.#threads.destroy();
  }

  /** Settles when no call is on a thread any more, at the latest after `graceMs`; idle threads end meanwhile. */
  async #stopped(graceMs: number): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      this.#onStopped = resolve;
    });
    const timer = setTimeout(this.#onStopped, graceMs);
    for (const link of [...this.#links.values()]) this.#letGoAtEnd(link);
    this.#tellIfStopped();
    await stopped;
    clearTimeout(timer);
  }

  #letGoAtEnd(link: ThreadLink): void {
    if (link.isOpen && link.calls === 0) this.#ends.letGo(link);
    this.#tellIfStopped();
  }

  #tellIfStopped(): void {
    for (const link of this.#links.values()) if (link.calls > 0) return;
    this.#onStopped();
  }
}
