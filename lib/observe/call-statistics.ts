/**
 * What /stats tells of each tool.
 *
 * S1. Bounded: only tools that exist are counted, so inventing names costs the gateway nothing.
 * S2. Counting a call allocates nothing after the tool's first.
 */
import type { CallKind } from '../call/catalog.ts';
import type { EndedCall } from './call-log.ts';
import { LatencyHistogram } from './latency-histogram.ts';

export interface ToolStatistics {
  readonly calls: number;
  /** Failed calls by their code. */
  readonly errors: Readonly<Record<string, number>>;
  readonly inFlight: number;
  /** Over the last five to ten minutes. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly chunks: number;
}

interface Counts {
  calls: number;
  inFlight: number;
  chunks: number;
  readonly errors: Record<string, number>;
  readonly durations: LatencyHistogram;
}

export class CallStatistics {
  readonly #isTool: (name: string) => boolean;
  readonly #tools = new Map<string, Counts>();

  /** @param isTool whether a tool of that name is loaded. */
  constructor(isTool: (name: string) => boolean) {
    this.#isTool = isTool;
  }

  started({ name, kind }: { readonly name: string; readonly kind: CallKind }): void {
    const counts = kind === 'tool' ? this.#counts(name) : undefined;
    if (!counts) return;
    counts.calls += 1;
    counts.inFlight += 1;
  }

  ended({ name, kind, end }: EndedCall): void {
    const counts = kind === 'tool' ? this.#tools.get(name) : undefined;
    if (!counts) return;
    // A tool that a reload added between a refused call's start and end was not counted in.
    counts.inFlight = Math.max(0, counts.inFlight - 1);
    counts.chunks += end.chunks;
    counts.durations.record(end.durationMs);
    if (end.type === 'error') counts.errors[end.error.code] = (counts.errors[end.error.code] ?? 0) + 1;
  }

  /** By tool name, sorted. */
  snapshot(): Readonly<Record<string, ToolStatistics>> {
    const byName = [...this.#tools].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(byName.map(([name, counts]) => [name, statistics(counts)]));
  }

  #counts(name: string): Counts | undefined {
    const known = this.#tools.get(name);
    if (known || !this.#isTool(name)) return known;
    const fresh: Counts = { calls: 0, inFlight: 0, chunks: 0, errors: {}, durations: new LatencyHistogram() };
    this.#tools.set(name, fresh);
    return fresh;
  }
}

function statistics({ calls, errors, inFlight, chunks, durations }: Counts): ToolStatistics {
  return {
    calls,
    errors: { ...errors },
    inFlight,
    p50Ms: durations.percentile(0.5),
    p95Ms: durations.percentile(0.95),
    p99Ms: durations.percentile(0.99),
    chunks,
  };
}
