/**
 * Writes metrics as Prometheus reads them: the text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 *
 * T1. All samples of a name stand together, below one HELP and one TYPE; a name without samples is left out.
 */
import { COARSE_BOUNDS, type DurationCounts } from '../../async/duration-histogram.ts';

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** An empty value is the same to Prometheus as no label. */
export type Labels = Readonly<Record<string, string>>;

export interface Sample<Value = number> {
  readonly labels?: Labels;
  readonly value: Value;
}

export class Exposition {
  readonly #lines: string[] = [];

  /** @param name ends in `_total`. */
  counter(name: string, help: string, samples: Iterable<Sample>): void {
    this.#plain('counter', name, help, samples);
  }

  gauge(name: string, help: string, samples: Iterable<Sample>): void {
    this.#plain('gauge', name, help, samples);
  }

  /** Durations in seconds. */
  durations(name: string, help: string, samples: Iterable<Sample<DurationCounts>>): void {
    let isFirst = true;
    for (const { labels = {}, value } of samples) {
      if (isFirst) this.#head('histogram', name, help);
      isFirst = false;
      let total = 0;
      for (const [at, count] of value.counts.entries()) {
        total += count;
        const le = at < COARSE_BOUNDS.length ? String(COARSE_BOUNDS[at]) : '+Inf';
        this.#lines.push(`${name}_bucket${labelText({ ...labels, le })} ${total}`);
      }
      this.#lines.push(`${name}_sum${labelText(labels)} ${value.sum}`);
      this.#lines.push(`${name}_count${labelText(labels)} ${total}`);
    }
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  #plain(type: 'counter' | 'gauge', name: string, help: string, samples: Iterable<Sample>): void {
    let isFirst = true;
    for (const { labels = {}, value } of samples) {
      if (isFirst) this.#head(type, name, help);
      isFirst = false;
      this.#lines.push(`${name}${labelText(labels)} ${value}`);
    }
  }

  #head(type: string, name: string, help: string): void {
    this.#lines.push(`# HELP ${name} ${help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}`);
    this.#lines.push(`# TYPE ${name} ${type}`);
  }
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escaped = (value: string): string =>
  /[\\"\n]/.test(value) ? value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n') : value;
