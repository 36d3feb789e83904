/** Numbers, durations and states as people read them. */
import type { Phase } from './run.ts';

export const PHASE_NAMES: Readonly<Record<Phase, string>> = {
  waiting: 'waiting',
  running: 'running',
  paused: 'paused',
  success: 'done',
  error: 'failed',
  cancelled: 'cancelled',
  timeout: 'timed out',
};

export const count = (value: number): string => value.toLocaleString('en');

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1000)} s`;
}

export const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MB`;

const LONGEST = 200_000;

/** JSON text, indented; as it is where it is very long, or no JSON. */
export function pretty(text: string): string {
  if (text.length > LONGEST)
    return `${text.slice(0, LONGEST)}\n… ${count(text.length - LONGEST)} characters more`;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
