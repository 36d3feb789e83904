/**
 * What is counted of calls: the one registry behind /stats and /metrics.
 *
 * S1. Bounded: only tools that exist are counted by their names, so inventing names costs the gateway nothing.
 * S2. Counting a call allocates nothing after the first of its tool, transport and outcome.
 */
import { DurationHistogram } from '../async/duration-histogram.ts';
import type { CallKind } from '../call/catalog.ts';
import type { ErrorCode } from '../call/error-code.ts';
import type { EndedCall } from './call-log.ts';
import { OperationDurations } from './operation-durations.ts';

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

/** How a call ended, in a word. */
export type Outcome = 'success' | 'error' | 'cancelled' | 'timeout';

/** All that is counted of one tool, since the start where nothing else is said. */
export interface ToolCounts {
  /** Calls that have begun. */
  readonly calls: number;
  readonly inFlight: number;
  readonly chunks: number;
  /** Failed calls by their code. */
  readonly errors: ReadonlyMap<ErrorCode, number>;
  /** Calls that have ended, by transport and outcome. */
  readonly ends: ReadonlyMap<string, ReadonlyMap<Outcome, number>>;
  readonly durations: DurationHistogram;
}

class Counts implements ToolCounts {
  calls = 0;
  inFlight = 0;
  chunks = 0;
  readonly errors = new Map<ErrorCode, number>();
  readonly ends = new Map<string, Map<Outcome, number>>();
  readonly durations = new DurationHistogram();

  end({ caller, end }: EndedCall): void {
    this.chunks += end.chunks;
    this.durations.record(end.durationMs);
    const code = end.type === 'error' ? end.error.code : undefined;
    if (code !== undefined) bump(this.errors, code);
    let outcomes = this.ends.get(caller.transport);
    if (!outcomes) {
      outcomes = new Map();
      this.ends.set(caller.transport, outcomes);
    }
    bump(outcomes, outcomeOf(code));
  }
}

const bump = <K>(counts: Map<K, number>, key: K): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

function outcomeOf(code: ErrorCode | undefined): Outcome {
  if (code === undefined) return 'success';
  if (code === 'cancelled') return 'cancelled';
  return code === 'deadline_exceeded' ? 'timeout' : 'error';
}

export class CallStatistics {
  readonly #isTool: (name: string) => boolean;
  readonly #tools = new Map<string, Counts>();
  readonly #unknown = new Counts();
  /** Calls of MCP clients, prompts and resources included. */
  readonly operations: OperationDurations;

  /** @param isTool whether a tool of that name is loaded. */
  constructor(isTool: (name: string) => boolean) {
    this.#isTool = isTool;
    this.operations = new OperationDurations(isTool);
  }

  started({ name, kind }: { readonly name: string; readonly kind: CallKind }): void {
    const counts = kind === 'tool' ? this.#counts(name) : undefined;
    if (!counts) return;
    counts.calls += 1;
    counts.inFlight += 1;
  }

  ended(call: EndedCall): void {
    this.operations.ended(call);
    if (call.kind !== 'tool') return;
    const counts = this.#tools.get(call.name);
    // A tool that a reload added between a refused call's start and end was not counted in.
    if (counts) counts.inFlight = Math.max(0, counts.inFlight - 1);
    (counts ?? this.#unknown).end(call);
  }

  /** By name; a tool that was never called is not among them. */
  get tools(): ReadonlyMap<string, ToolCounts> {
    return this.#tools;
  }

  /** Calls to names that are no tools. */
  get unknown(): ToolCounts {
    return this.#unknown;
  }

  /** What /stats shows, by tool name, sorted. */
  snapshot(): Readonly<Record<string, ToolStatistics>> {
    const byName = [...this.#tools].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(byName.map(([name, counts]) => [name, statistics(counts)]));
  }

  #counts(name: string): Counts | undefined {
    const known = this.#tools.get(name);
    if (known || !this.#isTool(name)) return known;
    const fresh = new Counts();
    this.#tools.set(name, fresh);
    return fresh;
  }
}

function statistics({ calls, errors, inFlight, chunks, durations }: Counts): ToolStatistics {
  const { p50, p95, p99 } = durations.percentiles();
  return { calls, errors: Object.fromEntries(errors), inFlight, p50Ms: p50, p95Ms: p95, p99Ms: p99, chunks };
}
