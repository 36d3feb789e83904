/**
 * Calls that wait for a thread: in fair order, and no longer than QUEUE_WAIT.
 *
 * W1. What finds no room, or waits too long, ends `overloaded`, with a forecast of when it is worth coming back.
 * W2. All wait equally long, so they are due in the order they came, and one timer watches over the first of them.
 */
import { AdmissionQueue, type Expected } from '../../async/admission-queue.ts';
import { WaitForecast } from '../../async/wait-forecast.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { ToolCall } from './tool-call.ts';

export interface WaitingOptions {
  readonly queueLimit: number;
  readonly queueWaitMs: number;
  /** How much of the threads a key's calls hold. */
  readonly held: (keyId: string) => number;
  /** Of the calls that wait, how many a thread that starts, or may start, will take. */
  readonly expected: Expected;
}

export class WaitingCalls {
  readonly #waitMs: number;
  readonly #queue: AdmissionQueue<ToolCall>;
  readonly #forecast = new WaitForecast();
  /** When each has waited long enough, by `performance.now()`. */
  readonly #due = new Map<ToolCall, number>();
  #timer: NodeJS.Timeout | null = null;

  constructor({ queueLimit, queueWaitMs, held, expected }: WaitingOptions) {
    this.#waitMs = queueWaitMs;
    this.#queue = new AdmissionQueue(queueLimit, held, expected);
  }

  get limit(): number {
    return this.#queue.limit;
  }

  get size(): number {
    return this.#queue.size;
  }

  /** Exclusive calls; the others are shared. */
  get exclusives(): number {
    return this.#queue.exclusives;
  }

  /** The next to run first. The call that is looked at may be taken out meanwhile, no other. */
  inOrder(): Iterable<ToolCall> {
    return this.#queue.inOrder();
  }

  /** @returns whether it waits; another, or it, has ended where there was no room. */
  add(call: ToolCall): boolean {
    if (this.#queue.size === 0) this.#forecast.begin();
    const refused = this.#queue.add(call);
    if (refused !== call) this.#watch(call);
    if (refused) this.#refuse(refused, `the queue is full (${this.limit} calls wait, QUEUE_LIMIT)`);
    return refused !== call;
  }

  /** For a call that comes back: it is the first of its key, and not bounded. */
  addFirst(call: ToolCall): void {
    this.#queue.addFirst(call);
    this.#watch(call);
  }

  /** @returns false when it was not waiting. */
  remove(call: ToolCall): boolean {
    this.#due.delete(call);
    return this.#queue.remove(call);
  }

  /** A call has ended, and left its place to another. */
  placeFreed(): void {
    this.#forecast.ended();
  }

  close(): void {
    clearTimeout(this.#timer ?? undefined);
  }

  #refuse(call: ToolCall, why: string): void {
    this.#due.delete(call);
    const retryAfterMs = this.#forecast.msUntil(this.#queue.size + 1);
    call.fail(new ToolError('overloaded', `${why}; try again later`, { retryAfterMs }));
  }

  #watch(call: ToolCall): void {
    this.#due.set(call, performance.now() + this.#waitMs);
    this.#timer ??= setTimeout(this.#onTime, this.#waitMs).unref();
  }

  readonly #onTime = (): void => {
    const now = performance.now();
    for (const [call, dueAt] of this.#due) {
      if (dueAt > now) {
        this.#timer = setTimeout(this.#onTime, dueAt - now).unref();
        return;
      }
      this.remove(call);
      this.#refuse(call, `no thread was free within ${this.#waitMs / 1000} s (QUEUE_WAIT)`);
    }
    this.#timer = null;
  };
}
