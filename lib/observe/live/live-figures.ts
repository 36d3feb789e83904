/**
 * The figures of /stats that move, once a second, for everybody who watches.
 *
 * L1. Nothing is measured before the first watcher, nor 300 s after the last: calls cost nothing meanwhile.
 * L2. One sample serves all: a text is written once a second however many watch. The first a watcher is told is whole and
 *     has the ring of past samples; later ones leave out the tools whose figures have not changed.
 * L3. Bounded: a ring of 300 samples, histograms of fixed size.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { DurationHistogram } from '../../async/duration-histogram.ts';
import type { TerminalEvent } from '../../call/call-events.ts';
import type { RunnerStats } from '../../runners/runner.ts';

const EVERY_MS = 1000;
const KEPT_SAMPLES = 300;
/** How often the delay of the event loop is looked at; it counts its own interval in. */
const RESOLUTION_MS = 20;

export interface LiveSources {
  /** What `GET /stats` shows, its `tools` among it. */
  stats(): Readonly<Record<string, unknown>>;
  status(): string;
  /** By name. */
  runners(): ReadonlyMap<string, RunnerStats>;
  callsInFlight(): number;
  /** Chunks of streamed calls since the start. */
  chunks(): number;
  /** @returns what ends it. */
  observe(observer: { ended(record: { readonly end: TerminalEvent }): void }): () => void;
}

/** One second of a gateway. */
export interface LiveSample {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Calls that ended in this second, and chunks that came of streamed calls. */
  readonly calls: number;
  readonly chunks: number;
  /** Calls that failed in this second, by code. */
  readonly errors: Readonly<Record<string, number>>;
  /** How long the calls took that ended in this second; null where none did. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly inFlight: number;
  readonly queued: number;
  /** Threads, and child processes, by what they do. */
  readonly units: Readonly<Record<string, number>>;
  /** How late the gateway's own thread was at most. */
  readonly loopDelayMs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
}

type Listener = (text: string) => void;

export class LiveFigures {
  readonly #sources: LiveSources;
  readonly #listeners = new Set<Listener>();
  #ring: LiveSample[] = [];
  #timer: NodeJS.Timeout | undefined;
  #delay: IntervalHistogram | undefined;
  #stopObserving: (() => void) | undefined;
  #durations = new DurationHistogram();
  #calls = 0;
  #chunks = 0;
  #errors: Record<string, number> = {};
  /** The figures of each tool as they were told last. */
  #told = new Map<string, string>();
  /** Samples since the last watcher left. */
  #unwatched = 0;

  constructor(sources: LiveSources) {
    this.#sources = sources;
  }

  /** Calls `listener` with JSON text now and every second. @returns what ends it. */
  watch(listener: Listener): () => void {
    this.#start();
    this.#listeners.add(listener);
    listener(JSON.stringify({ ...this.#whole(), history: this.#ring }));
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#delay?.disable();
    this.#stopObserving?.();
    this.#listeners.clear();
    this.#ring = [];
    this.#told.clear();
  }

  #start(): void {
    this.#unwatched = 0;
    if (this.#timer) return;
    this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#delay.enable();
    this.#stopObserving = this.#sources.observe({ ended: ({ end }) => this.#count(end) });
    this.#chunks = this.#sources.chunks();
    this.#timer = setInterval(() => this.#tick(), EVERY_MS).unref();
  }

  #count(end: TerminalEvent): void {
    this.#calls++;
    this.#durations.record(end.durationMs);
    if (end.type === 'error') this.#errors[end.error.code] = (this.#errors[end.error.code] ?? 0) + 1;
  }

  #tick(): void {
    const sample = this.#sample();
    this.#ring.push(sample);
    if (this.#ring.length > KEPT_SAMPLES) this.#ring.shift();
    if (this.#listeners.size === 0) {
      if (++this.#unwatched >= KEPT_SAMPLES) this.close();
      return;
    }
    const { tools, ...figures } = this.#whole();
    const text = JSON.stringify({ ...figures, tools: this.#moved(tools), now: sample });
    for (const listener of this.#listeners) listener(text);
  }

  #whole() {
    const { tools, ...figures } = this.#sources.stats();
    return { status: this.#sources.status(), ...figures, tools: tools as Readonly<Record<string, unknown>> };
  }

  #moved(tools: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    const told = new Map(Object.entries(tools).map(([name, figures]) => [name, JSON.stringify(figures)]));
    const moved = Object.entries(tools).filter(([name]) => this.#told.get(name) !== told.get(name));
    this.#told = told;
    return Object.fromEntries(moved);
  }

  #sample(): LiveSample {
    const chunks = this.#sources.chunks();
    const runners = [...this.#sources.runners().values()];
    const hasEnded = this.#calls > 0;
    const { p50, p95, p99 } = this.#durations.percentiles();
    const { rss, heapUsed } = process.memoryUsage();
    const sample = {
      at: Date.now(),
      calls: this.#calls,
      chunks: chunks - this.#chunks,
      errors: this.#errors,
      p50Ms: hasEnded ? p50 : null,
      p95Ms: hasEnded ? p95 : null,
      p99Ms: hasEnded ? p99 : null,
      inFlight: this.#sources.callsInFlight(),
      queued: runners.reduce((sum, { queue }) => sum + queue.depth, 0),
      units: unitsOf(runners),
      loopDelayMs: this.#loopDelayMs(),
      rssBytes: rss,
      heapBytes: heapUsed,
    };
    if (hasEnded) this.#durations = new DurationHistogram();
    this.#calls = 0;
    this.#chunks = chunks;
    this.#errors = {};
    return sample;
  }

  #loopDelayMs(): number {
    if (!this.#delay || this.#delay.count === 0) return 0;
    const ms = this.#delay.max / 1e6 - RESOLUTION_MS;
    this.#delay.reset();
    return Math.max(0, Math.round(ms * 10) / 10);
  }
}

function unitsOf(runners: readonly RunnerStats[]): Record<string, number> {
  const units: Record<string, number> = {};
  for (const runner of runners)
    for (const [state, count] of Object.entries(runner.units ?? {}))
      units[state] = (units[state] ?? 0) + count;
  return units;
}
