/**
 * Percentiles of durations since the start, in a fixed amount of memory.
 */
import { createHistogram } from 'node:perf_hooks';
import type { Percentiles } from '../runner.ts';

export class DurationPercentiles {
  readonly #us = createHistogram();

  record(ms: number): void {
    this.#us.record(Math.max(1, Math.round(ms * 1000)));
  }

  read(): Percentiles {
    return { p50: this.#ms(50), p95: this.#ms(95), p99: this.#ms(99) };
  }

  #ms(percentile: number): number {
    return this.#us.count === 0 ? 0 : this.#us.percentile(percentile) / 1000;
  }
}
