/**
 * How many calls may start in a second: of a key, and of a tool.
 *
 * R1. Counted in windows of one second that begin with the first call in them, as RateLimit-Policy says it (q=…;w=1).
 * R2. A call is counted against all its limits, or, where one of them is used up, against none.
 * R3. Bounded: a window that is over is forgotten once there are many.
 */
import { ToolError } from '../call/tool-error.ts';
import type { RateLimit } from '../runners/runner.ts';

export type { RateLimit };

export const WINDOW_MS = 1000;
const SWEPT_SIZE = 1024;

/** What is left of a limit. */
export interface Quota {
  readonly subject: RateLimit['subject'];
  readonly calls: number;
  readonly remaining: number;
  /** Until the window is over, in milliseconds. */
  readonly resetMs: number;
}

interface Window {
  since: number;
  used: number;
}

export class CallRates {
  readonly #windows = new Map<string, Window>();
  readonly #now: () => number;
  #sweepAt = SWEPT_SIZE;

  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /** Counts a call. @returns what it is refused with. */
  take(limits: readonly RateLimit[]): ToolError | undefined {
    if (limits.length === 0) return undefined;
    const now = this.#now();
    const windows = limits.map((limit) => this.#window(limit, now));
    for (const [at, limit] of limits.entries()) {
      const window = windows[at];
      if (!window || window.used < limit.calls) continue;
      const text = `more than ${limit.calls} calls a second ${limit.subject === 'key' ? 'with this key' : 'of this tool'}`;
      return new ToolError('rate_limited', text, { retryAfterMs: leftOf(window, now) });
    }
    for (const window of windows) window.used++;
    return undefined;
  }

  /** What is left of each limit. */
  quotas(limits: readonly RateLimit[]): readonly Quota[] {
    const now = this.#now();
    return limits.map((limit) => {
      const window = this.#window(limit, now);
      const remaining = Math.max(0, limit.calls - window.used);
      return { subject: limit.subject, calls: limit.calls, remaining, resetMs: leftOf(window, now) };
    });
  }

  /** How many windows are kept. */
  get size(): number {
    return this.#windows.size;
  }

  #window({ subject, name }: RateLimit, now: number): Window {
    const id = `${subject} ${name}`;
    let window = this.#windows.get(id);
    if (!window) {
      if (this.#windows.size >= this.#sweepAt) this.#sweep(now);
      window = { since: now, used: 0 };
      this.#windows.set(id, window);
    } else if (now - window.since >= WINDOW_MS) {
      window.since = now;
      window.used = 0;
    }
    return window;
  }

  #sweep(now: number): void {
    for (const [id, { since }] of this.#windows) if (now - since >= WINDOW_MS) this.#windows.delete(id);
    this.#sweepAt = Math.max(SWEPT_SIZE, 2 * this.#windows.size);
  }
}

const leftOf = ({ since }: Window, now: number): number => Math.max(1, Math.ceil(since + WINDOW_MS - now));
