/**
 * What `GET /`, `/health` and `/stats` show of the runners, as plain data.
 *
 * P1. The first runner's own figures stand at the top, as they always have. Where there are more, `runners` has each
 *     by its name.
 */
import type { RunnerStats, RunnerStatus } from '../runners/runner.ts';

export interface PageSources {
  readonly name: string;
  readonly version: string;
  /** By name; the first is shown at the top. */
  runners(): ReadonlyMap<string, RunnerStats>;
  health(): RunnerStatus;
  /** Whether files and the like are not worked on (libuv-watch.ts). */
  isLibuvStalled(): boolean;
  /** Of the tools that a key may use, or all. */
  toolCount(keyId: string | undefined): number;
  callsInFlight(): number;
  isDraining(): boolean;
  /** Tools that are refused now for their failures. */
  openBreakers(): number;
}

export class StatusPages {
  readonly #sources: PageSources;
  readonly #startedAt = performance.now();

  constructor(sources: PageSources) {
    this.#sources = sources;
  }

  /** `GET /`, without its list of endpoints, as the key sees it. */
  info(keyId?: string) {
    const { name, version, runners, toolCount, callsInFlight } = this.#sources;
    const calls = { inFlight: callsInFlight() };
    const { summary } = topOf(runners());
    return {
      name,
      version,
      uptimeSeconds: this.#uptimeSeconds(),
      tools: toolCount(keyId),
      ...summary,
      calls,
    };
  }

  health() {
    const { runners, isDraining, isLibuvStalled } = this.#sources;
    const all = runners();
    const openBreakers = this.#sources.openBreakers();
    const status = isDraining() ? ('draining' as const) : this.#status();
    const more =
      all.size === 1
        ? {}
        : { runners: mapped(all, ({ status, queue, own }) => ({ status, ...own.summary, queue })) };
    return {
      status,
      ...topOf(all).summary,
      queue: queueOf(all),
      uptimeSeconds: this.#uptimeSeconds(),
      ...(openBreakers === 0 ? {} : { openBreakers }),
      ...(isLibuvStalled() ? { libuv: 'stalled' } : {}),
      ...more,
    };
  }

  #status(): RunnerStatus {
    const status = this.#sources.health();
    return status === 'ok' && this.#sources.isLibuvStalled() ? 'degraded' : status;
  }

  /** What `GET /stats` tells of the runners. */
  stats() {
    const all = this.#sources.runners();
    const more =
      all.size === 1
        ? {}
        : {
            runners: mapped(all, ({ status, callsInFlight, queue, waitMs, runMs, own }) => ({
              status,
              callsInFlight,
              queue,
              waitMs,
              runMs,
              ...own.details,
            })),
          };
    // What one runner alone has stands at the top whether there are others or not; what several have is the first's.
    const details = [...all.values()].reverse().map(({ own }) => own.details);
    return { ...Object.assign({}, topOf(all).details, ...details), ...more };
  }

  #uptimeSeconds(): number {
    return Math.round((performance.now() - this.#startedAt) / 1000);
  }
}

const NOTHING: RunnerStats['own'] = { summary: {}, details: {} };

function topOf(runners: ReadonlyMap<string, RunnerStats>): RunnerStats['own'] {
  for (const { own } of runners.values()) return own;
  return NOTHING;
}

const mapped = <T>(
  runners: ReadonlyMap<string, RunnerStats>,
  shown: (stats: RunnerStats) => T,
): Readonly<Record<string, T>> =>
  Object.fromEntries([...runners].map(([name, stats]) => [name, shown(stats)]));

function queueOf(runners: ReadonlyMap<string, RunnerStats>): RunnerStats['queue'] {
  let depth = 0;
  let limit = 0;
  for (const { queue } of runners.values()) {
    depth += queue.depth;
    limit += queue.limit;
  }
  return { depth, limit };
}
