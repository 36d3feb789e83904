/**
 * A call that is not run at once, or not only once: it waits for its turn, and what a runner then makes of it may be
 * replaced by another run. For its reader it is one call.
 *
 * L1. One id, one `started`, one end, whatever happens behind it; its duration is that of the whole.
 * L2. A run may be replaced only while nothing of it but `started` has been handed out; what of it is still on its way
 *     then is dropped.
 * L3. Between two runs, and before the first, it can be cancelled like any call.
 */
import { cancelError, outcomeOf } from '../../call/call-ending.ts';
import type { ErrorEvent, TerminalEvent, ToolEvent } from '../../call/call-events.ts';
import type { CancelReason, RunningCall } from '../../call/running-call.ts';
import type { ToolError } from '../../call/tool-error.ts';
import type { AdmittedCall } from '../../runners/runner.ts';
import { EndListeners, type OnDefect } from './end-listeners.ts';

/** Decides on a run that failed before anything of it was handed out. */
export interface Rerun {
  /** @returns in how many milliseconds it is run again; null: the failure is the end. */
  afterMs(failure: ErrorEvent, retries: number): number | null;
  run(): RunningCall;
}

export class RelayedCall implements RunningCall, AsyncIterator<ToolEvent> {
  readonly request: AdmittedCall;
  retries = 0;
  readonly #rerun: Rerun | null;
  readonly #createdAt = performance.now();
  readonly #listeners: EndListeners;
  #run: RunningCall | null = null;
  #events: AsyncIterator<ToolEvent> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #wake: (() => void) | null = null;
  #hasRun = false;
  #hasToldStart = false;
  #hasHandedOut = false;
  #end: TerminalEvent | null = null;
  #isReadToItsEnd = false;

  /** @param rerun null: it is run once. */
  constructor(request: AdmittedCall, rerun: Rerun | null, onDefect: OnDefect) {
    this.request = request;
    this.#rerun = rerun;
    this.#listeners = new EndListeners(onDefect);
  }

  get callId(): string {
    return this.request.callId;
  }

  get isEnded(): boolean {
    return this.#end !== null;
  }

  get hasStarted(): boolean {
    return this.#hasRun || this.#run?.hasStarted === true;
  }

  /** Gives it its run, the first or another. */
  start(run: RunningCall): void {
    this.#run = run;
    this.#events = null;
    this.#wakeUp();
    run.onEnd((end) => this.#onRunEnd(run, end));
  }

  /** Ends it, unless it has a run. */
  fail(error: ToolError): void {
    if (this.#run || this.#end) return;
    clearTimeout(this.#timer);
    this.#finish({ type: 'error', error, chunks: 0, durationMs: this.#durationMs() });
  }

  #onRunEnd(run: RunningCall, end: TerminalEvent): void {
    if (run !== this.#run || this.#end) return;
    const wait = end.type === 'error' && !this.#hasHandedOut ? this.#rerun?.afterMs(end, this.retries) : null;
    if (wait === null || wait === undefined) return this.#finish(this.#asWhole(end));
    this.#hasRun = true;
    this.#run = null;
    this.#timer = setTimeout(() => this.#runAgain(), wait);
  }

  #runAgain(): void {
    if (!this.#rerun) return;
    this.retries++;
    this.start(this.#rerun.run());
  }

  /** The end as it is where the call has taken longer than its last run. */
  #asWhole(end: TerminalEvent): TerminalEvent {
    return { ...end, durationMs: this.#durationMs() };
  }

  #durationMs(): number {
    return Math.round((performance.now() - this.#createdAt) * 1000) / 1000;
  }

  #finish(end: TerminalEvent): void {
    this.#end = end;
    this.#wakeUp();
    this.#listeners.tell(end);
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  cancel(reason: CancelReason, message?: string): void {
    if (this.#run) return this.#run.cancel(reason, message);
    this.fail(cancelError(reason, message));
  }

  answer(ask: number, outcome: { readonly value: unknown } | { readonly error: ToolError }): void {
    this.#run?.answer(ask, outcome);
  }

  onEnd(listener: (end: TerminalEvent) => void): void {
    this.#listeners.add(listener);
  }

  onRelease(listener: () => void): void {
    this.onEnd(() => {
      if (this.#run?.onRelease) this.#run.onRelease(listener);
      else listener();
    });
  }

  outcome(): Promise<TerminalEvent> {
    return outcomeOf(this, this.callId);
  }

  [Symbol.asyncIterator](): AsyncIterator<ToolEvent> {
    return this;
  }

  async next(): Promise<IteratorResult<ToolEvent>> {
    while (!this.#isReadToItsEnd) {
      const run = this.#run;
      if (run === null) {
        if (this.#end) return this.#last(this.#end);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      this.#events ??= run[Symbol.asyncIterator]();
      const step = await this.#events.next();
      if (run !== this.#run) continue; // another run has taken its place (L2)
      if (step.done) break;
      const event = step.value;
      if (event.type === 'result' || event.type === 'error') {
        this.#onRunEnd(run, event); // where the runner has not told it yet
        if (this.#end) return this.#last(this.#end);
      } else if (event.type !== 'started') {
        this.#hasHandedOut = true;
        return step;
      } else if (!this.#hasToldStart) {
        this.#hasToldStart = true;
        return step;
      }
    }
    return { done: true, value: undefined };
  }

  #last(end: TerminalEvent): IteratorResult<ToolEvent> {
    this.#isReadToItsEnd = true;
    return { done: false, value: end };
  }

  async return(): Promise<IteratorResult<ToolEvent>> {
    this.#isReadToItsEnd = true;
    this.cancel('cancelled', 'the reader of the call left');
    return { done: true, value: undefined };
  }
}
