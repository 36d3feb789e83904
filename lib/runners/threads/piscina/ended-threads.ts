/**
 * Threads that were told to end, until they have. One that runs JavaScript ends within milliseconds; one that is in
 * native code (a FIFO opened without a writer, a built-in that takes seconds) not before it comes back from there, and
 * nothing can make it.
 *
 * E1. Another has taken its place by then. What is told here is how many there are beside those that take calls.
 */
import type { Worker } from 'node:worker_threads';

/** By then a thread that can be ended has ended, on a busy machine too. */
const STUCK_MS = 1000;

export class EndedThreads {
  readonly #onStuck: (id: number) => void;
  /** By worker, the number that its crew knows it by. */
  readonly #living = new Map<Worker, number>();
  readonly #ending = new Set<Worker>();
  readonly #stuck = new Set<Worker>();
  #onGone: (() => void) | null = null;

  constructor(onStuck: (id: number) => void) {
    this.#onStuck = onStuck;
  }

  /** Threads that have been told to end, and do not. */
  get stuck(): number {
    return this.#stuck.size;
  }

  watch(thread: Worker, id: number): void {
    this.#living.set(thread, id);
    thread.once('exit', () => {
      this.#living.delete(thread);
      this.#ending.delete(thread);
      this.#stuck.delete(thread);
      if (this.#areGone) this.#onGone?.();
    });
  }

  /** Some may have been told to end: all but `pooled`. */
  look(pooled: readonly Worker[]): void {
    for (const [thread, id] of this.#living) {
      if (this.#ending.has(thread) || pooled.includes(thread)) continue;
      this.#ending.add(thread);
      setTimeout(() => {
        if (!this.#living.has(thread)) return;
        this.#stuck.add(thread);
        this.#onStuck(id);
        if (this.#areGone) this.#onGone?.();
      }, STUCK_MS).unref();
    }
  }

  get #areGone(): boolean {
    return this.#living.size === this.#stuck.size;
  }

  /** All have been told to end. Settles when no thread is left, or those that are left are stuck. */
  async gone(): Promise<void> {
    if (this.#areGone) return;
    const alarm = setTimeout(() => {}, 2 * STUCK_MS); // a thread that ends does not keep the process alive
    await new Promise<void>((resolve) => {
      this.#onGone = resolve;
    });
    clearTimeout(alarm);
  }
}
