/**
 * How many calls of one tool run at once, over all keys; the others wait in front of the runner, so that they hold up no
 * other tool's.
 *
 * G1. A place is free again when nothing of the call runs any more, and not when its caller has its end: a cancelled tool
 *     may take its time.
 * G2. Who waits is served as by the pool (async/admission-queue.ts): the key that holds the fewest places first. So much
 *     as QUEUE_LIMIT may wait, for so long as QUEUE_WAIT.
 */
import { AdmissionQueue } from '../../async/admission-queue.ts';
import { WaitForecast } from '../../async/wait-forecast.ts';
import type { RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { AdmittedCall } from '../../runners/runner.ts';
import type { RelayedCall } from './relayed-call.ts';

export interface QueueOptions {
  readonly queueLimit: number;
  readonly queueWaitMs: number;
}

interface Waiting {
  readonly isExclusive: false;
  readonly request: AdmittedCall;
  begin(): void;
  refuse(why: string): void;
}

/** What is shown of it. */
export interface GateView {
  readonly limit: number;
  readonly running: number;
  readonly waiting: number;
}

export class ToolGate {
  /** So many run at once. */
  #limit: number;
  readonly #tool: string;
  readonly #options: QueueOptions;
  readonly #queue: AdmissionQueue<Waiting>;
  readonly #forecast = new WaitForecast();
  /** Places that each key holds; a key that holds none is not kept. */
  readonly #held = new Map<string, number>();
  readonly #timers = new Map<Waiting, NodeJS.Timeout>();
  #running = 0;
  #isPumping = false;

  constructor(tool: string, limit: number, options: QueueOptions) {
    this.#tool = tool;
    this.#limit = limit;
    this.#options = options;
    this.#queue = new AdmissionQueue(options.queueLimit, (keyId) => this.#held.get(keyId) ?? 0);
  }

  /** What runs stays, though it be more. */
  set limit(limit: number) {
    this.#limit = limit;
    this.#pump();
  }

  get hasPlace(): boolean {
    return this.#running < this.#limit;
  }

  /** Gives a call a place, for as long as it holds one. */
  take(call: RunningCall): void {
    const { keyId } = call.request.caller;
    this.#running++;
    this.#held.set(keyId, (this.#held.get(keyId) ?? 0) + 1);
    const leave = () => this.#leave(keyId);
    if (call.onRelease) call.onRelease(leave);
    else call.onEnd(leave);
  }

  #leave(keyId: string): void {
    this.#running--;
    const left = (this.#held.get(keyId) ?? 0) - 1;
    if (left > 0) this.#held.set(keyId, left);
    else this.#held.delete(keyId);
    this.#forecast.ended();
    this.#pump();
  }

  /** A call may end as it begins, and leave its place: that is seen by the loop, not by a loop within it. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.hasPlace) {
      const { value: next } = this.#queue.inOrder().next();
      if (!next) break;
      this.#forget(next);
      next.begin();
    }
    this.#isPumping = false;
  }

  /** Lets a call wait for a place. @param start gives it its run, once it has one. */
  wait(call: RelayedCall, start: () => void): void {
    const waiting: Waiting = {
      isExclusive: false,
      request: call.request,
      begin: () => {
        this.take(call);
        start();
      },
      refuse: (why) => {
        this.#forget(waiting);
        call.fail(this.#overloaded(why));
      },
    };
    if (this.#queue.size === 0) this.#forecast.begin();
    const { queueLimit, queueWaitMs } = this.#options;
    this.#queue.add(waiting)?.refuse(`${queueLimit} calls wait (QUEUE_LIMIT)`);
    if (call.isEnded) return;
    const late = `none has ended within ${queueWaitMs / 1000} s (QUEUE_WAIT)`;
    this.#timers.set(
      waiting,
      setTimeout(() => waiting.refuse(late), queueWaitMs),
    );
    call.onEnd(() => this.#forget(waiting));
  }

  #overloaded(why: string): ToolError {
    const retryAfterMs = this.#forecast.msUntil(this.#queue.size + 1);
    const text = `the tool ${JSON.stringify(this.#tool)} runs ${this.#limit} at a time (concurrency), and ${why}; try again later`;
    return new ToolError('overloaded', text, { retryAfterMs });
  }

  #forget(waiting: Waiting): void {
    clearTimeout(this.#timers.get(waiting));
    if (this.#timers.delete(waiting)) this.#queue.remove(waiting);
  }

  view(): GateView {
    return { limit: this.#limit, running: this.#running, waiting: this.#queue.size };
  }
}
