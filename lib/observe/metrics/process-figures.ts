/**
 * What any process has in numbers, under the names that Prometheus's own clients use, so that dashboards fit.
 *
 * P1. Nothing is measured before the first scrape: the delay of the event loop is watched from then on.
 */
import { readdirSync } from 'node:fs';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { Exposition } from './exposition.ts';

const RESOLUTION_MS = 10;
const NANOSECONDS = 1e9;

export class ProcessFigures {
  #delay: IntervalHistogram | undefined;

  write(exposition: Exposition): void {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    const one = (value: number) => [{ value }];
    exposition.counter('process_cpu_user_seconds_total', 'CPU time in user mode.', one(user / 1e6));
    exposition.counter('process_cpu_system_seconds_total', 'CPU time in the kernel.', one(system / 1e6));
    exposition.counter('process_cpu_seconds_total', 'CPU time.', one((user + system) / 1e6));
    exposition.gauge('process_start_time_seconds', 'When the process began.', one(STARTED_AT));
    exposition.gauge('process_resident_memory_bytes', 'Resident memory, threads included.', one(rss));
    const descriptors = openDescriptors();
    if (descriptors !== undefined)
      exposition.gauge('process_open_fds', 'Open file descriptors.', one(descriptors));
    exposition.gauge('nodejs_heap_size_used_bytes', 'Used heap of the gateway’s own thread.', one(heapUsed));
    exposition.gauge('nodejs_heap_size_total_bytes', 'Heap of the gateway’s own thread.', one(heapTotal));
    exposition.gauge('nodejs_external_memory_bytes', 'Memory of objects outside the heap.', one(external));
    this.#writeDelay(exposition);
  }

  close(): void {
    this.#delay?.disable();
  }

  #writeDelay(exposition: Exposition): void {
    const delay = this.#delay ?? this.#watchDelay();
    const seconds = (nanoseconds: number) =>
      // The watch counts its own interval in.
      Math.max(0, (Number.isFinite(nanoseconds) ? nanoseconds : 0) / NANOSECONDS - RESOLUTION_MS / 1000);
    const write = (name: string, nanoseconds: number) =>
      exposition.gauge(
        `nodejs_eventloop_lag_${name}_seconds`,
        `How late the gateway’s own thread was, since the last scrape (${name}).`,
        [{ value: delay.count === 0 ? 0 : seconds(nanoseconds) }],
      );
    for (const percent of [50, 90, 99]) write(`p${percent}`, delay.percentile(percent));
    write('max', delay.max);
    delay.reset();
  }

  #watchDelay(): IntervalHistogram {
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    delay.enable();
    this.#delay = delay;
    return delay;
  }
}

const STARTED_AT = Math.round(performance.timeOrigin) / 1000;

/** Undefined where the system does not tell. */
function openDescriptors(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length - 1; // without the one that reads the folder
  } catch {
    return undefined;
  }
}
