/**
 * Reports of progress for readers who want the state, not every step: at most twenty a second, the latest wins, the last
 * is always told, and values only increase.
 */
import type { ToolEvent } from '../../call/call-events.ts';

type Progress = Extract<ToolEvent, { type: 'progress' }>;

const APART_MS = 50;

export class ProgressThinning {
  readonly #say: (event: Progress) => void;
  #saidAt = Number.NEGATIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;
  #unsaid: Progress | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(say: (event: Progress) => void) {
    this.#say = say;
  }

  report(event: Progress): void {
    if (event.progress <= this.#last) return;
    const waitMs = this.#saidAt + APART_MS - performance.now();
    this.#unsaid = event;
    if (waitMs <= 0) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), waitMs);
  }

  /** Tells what waits. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const event = this.#unsaid;
    this.#unsaid = null;
    if (!event) return;
    this.#saidAt = performance.now();
    this.#last = event.progress;
    this.#say(event);
  }
}
