/**
 * A soak: moderate load over every transport, about one fault a second, and each second a look at what the process
 * holds. What it holds may go up and down, not up and up.
 *
 * S1. At moderate load V8 collects the gateway's own heap every ten minutes or so, since garbage costs nothing until
 *     then: in a shorter run that looks like a leak. So the harness has it collect every ten seconds; what is left, and
 *     the size of the process then, tell what is lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TransportName } from './clients/transport.ts';
import { Controls } from './controls.ts';
import { Field } from './field.ts';
import type { Kind } from './kinds/kind.ts';
import { Ledger } from './ledger.ts';
import { planFaults } from './plan.ts';
import { Random } from './random.ts';
import { CHAOS_ENV, commitOne, type Setting } from './run-chaos.ts';
import { checkEnds, checkReturned, figuresAtRest } from './still-as-it-was.ts';
import { type HeapInspector, INSPECTABLE } from './system/heap-inspector.ts';
import { rises, type Sample, type Trend, trendOf } from './trend.ts';

export const FIGURES = [
  'rss MiB',
  'own heap MiB',
  'thread heap MiB',
  'files',
  'os threads',
  'stdio rss MiB',
  'stdio files',
] as const;
export type FigureName = (typeof FIGURES)[number];
/** How fast each figure may rise, a minute, beyond what is noise. */
export type Bounds = Readonly<Record<FigureName, number>>;

export const TEN_MINUTES_FLAT: Bounds = {
  'rss MiB': 2,
  'own heap MiB': 1,
  'thread heap MiB': 1,
  files: 0.5,
  'os threads': 0.2,
  'stdio rss MiB': 2,
  'stdio files': 0.5,
};

export interface SoakOptions {
  readonly seed: number;
  readonly minutes: number;
  /** It goes on longer where a slow machine has not taken so many by then; default 0. */
  readonly leastSamples?: number;
  readonly kinds: readonly Kind[];
  readonly transports: readonly TransportName[];
  readonly faultsPerSecond: number;
  /** Pause between the control calls of one transport. */
  readonly everyMs: number;
  readonly bounds: Bounds;
  readonly env?: Readonly<Record<string, string>>;
  readonly node?: string | undefined;
}

export interface SoakReport {
  readonly options: SoakOptions;
  readonly ledger: Ledger;
  readonly trends: ReadonlyMap<FigureName, Trend>;
  readonly rising: readonly FigureName[];
  readonly samples: number;
}

/**
 * A fixed number of threads: how many there are is not what is looked at. Ended calls are kept for a short time, since
 * what is kept for two minutes is still growing when the warm-up ends.
 */
const SOAK_ENV = { MIN_WORKERS: '4', MAX_WORKERS: '4', RESUME_TTL: '20', NODE_OPTIONS: INSPECTABLE };
/** Of the samples, the first quarter is warm-up: code is compiled, heaps find their size. */
const WARM_UP = 0.25;
/** Between two collections of the gateway's own heap (S1); the least of so long a time is what counts of the others. */
const COLLECT_MS = 10_000;
const MIB = 1024 * 1024;

export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const { seed, minutes, leastSamples = 0, kinds, transports, everyMs, bounds } = options;
  const [ledger, random] = [new Ledger(), new Random(seed)];
  const poisons = kinds.some(({ isPoison }) => isPoison);
  const env = { ...CHAOS_ENV, ...SOAK_ENV, ...options.env };
  const field = new Field({ env, node: options.node, transports, poisons }, ledger);
  await field.start();
  const controls = new Controls({ field, ledger, random, transports, everyMs });
  controls.start();
  await sleep(1000);
  await controls.stop();
  await field.quiet();
  // Before the first look: it has files of its own open while the soak lasts, and some after it.
  const inspector = field.hosts.includes('http') ? await field.http.inspector() : undefined;
  const { figures: before } = await figuresAtRest(field);
  controls.start();
  const endAt = performance.now() + minutes * 60_000;
  const faults = commitSteadily({ field, ledger, random, controls }, options, endAt);
  const samples = new Map<FigureName, Sample[]>(FIGURES.map((name) => [name, []]));
  let collectedAt = Number.NEGATIVE_INFINITY;
  for (let looks = 0; performance.now() < endAt || looks < leastSamples; looks++) {
    const at = performance.now();
    const isDue = at - collectedAt >= COLLECT_MS;
    if (isDue) collectedAt = at;
    for (const [name, value] of await look(field, isDue ? inspector : undefined))
      samples.get(name)?.push({ atMs: at, value });
    await sleep(Math.max(0, 1000 - (performance.now() - at)));
  }
  inspector?.close();
  await faults;
  await controls.stop();
  const trends = new Map<FigureName, Trend>();
  for (const [name, list] of samples) {
    const warm = list.slice(Math.floor(list.length * WARM_UP));
    if (warm.length > 0) trends.set(name, trendOf(warm, Math.min(COLLECT_MS, minutes * 6000)));
  }
  await checkReturned(field, before, ledger);
  await checkEnds(field, ledger);
  const rising = [...trends].filter(([name, trend]) => rises(trend, bounds[name])).map(([name]) => name);
  return { options, ledger, trends, rising, samples: samples.get('rss MiB')?.length ?? 0 };
}

async function commitSteadily(setting: Setting, options: SoakOptions, endAt: number): Promise<void> {
  const { kinds, transports, faultsPerSecond } = options;
  const running = new Set<Promise<void>>();
  for (const fault of planFaults(setting.random.fork('plan'), kinds, transports, Number.POSITIVE_INFINITY)) {
    if (performance.now() > endAt) break;
    const committed = commitOne(setting, fault).finally(() => running.delete(committed));
    running.add(committed);
    await sleep((1000 / faultsPerSecond) * (0.5 + setting.random.next()));
  }
  await Promise.all(running);
}

async function look(field: Field, inspector?: HeapInspector): Promise<[FigureName, number][]> {
  const seen: [FigureName, number][] = [];
  const left = await inspector?.usedBytes();
  if (left !== undefined) seen.push(['own heap MiB', left / MIB]);
  if (field.hosts.includes('http') && field.http.isAlive) {
    const { fds, threads, rssMib } = field.http.figures();
    seen.push(['rss MiB', rssMib], ['files', fds], ['os threads', threads]);
    const stats = await field.http.stats().catch(() => undefined);
    const heap = stats?.workers.reduce((sum, { heapUsedBytes }) => sum + heapUsedBytes, 0);
    if (heap !== undefined) seen.push(['thread heap MiB', heap / MIB]);
  }
  if (field.hosts.includes('stdio') && field.stdio.isAlive) {
    const { fds, rssMib } = field.stdio.figures();
    seen.push(['stdio rss MiB', rssMib], ['stdio files', fds]);
  }
  return seen;
}

export function soakTable({ trends, options, rising }: SoakReport): string {
  const row = (cells: readonly string[]) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(16) : cell.padStart(9))).join(' ');
  const head = row(['figure', 'first', 'last', 'least', 'most', 'a minute', '±', 'bound']);
  const lines = [...trends].map(([name, { first, last, least, most, perMinute, error }]) => {
    const numbers = [first, last, least, most, perMinute, 2 * error, options.bounds[name]];
    return row([name, ...numbers.map((number) => number.toFixed(1))]) + (rising.includes(name) ? ' !' : '');
  });
  return [head, ...lines].join('\n');
}
