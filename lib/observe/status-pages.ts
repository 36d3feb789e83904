/**
 * What `GET /`, `/health` and `/stats` show of the runner, as plain data.
 */
import type { RunnerStats } from '../runners/runner.ts';

export interface PageSources {
  readonly name: string;
  readonly version: string;
  runner(): RunnerStats;
  toolCount(): number;
  callsInFlight(): number;
  isDraining(): boolean;
}

export class StatusPages {
  readonly #sources: PageSources;
  readonly #startedAt = performance.now();

  constructor(sources: PageSources) {
    this.#sources = sources;
  }

  /** `GET /`, without its list of endpoints. */
  info() {
    const { name, version, runner, toolCount, callsInFlight } = this.#sources;
    const { workers } = runner();
    const calls = { inFlight: callsInFlight() };
    return { name, version, uptimeSeconds: this.#uptimeSeconds(), tools: toolCount(), workers, calls };
  }

  health() {
    const { status, workers, queue } = this.#sources.runner();
    const shown = this.#sources.isDraining() ? ('draining' as const) : status;
    return { status: shown, workers, queue, uptimeSeconds: this.#uptimeSeconds() };
  }

  /** `GET /stats`: each worker, and the pool as a whole. */
  stats() {
    const { status: _, threads, workers, queue, ...counts } = this.#sources.runner();
    const { min, max, alive, restarts } = workers;
    return { workers: threads, pool: { min, max, alive, queueDepth: queue.depth, restarts, ...counts } };
  }

  #uptimeSeconds(): number {
    return Math.round((performance.now() - this.#startedAt) / 1000);
  }
}
