/**
 * A call whose progress is told to the observers as its caller reads it. Stands before the runner's own call only
 * where somebody observes progress.
 */
import type { TerminalEvent, ToolEvent } from '../call/call-events.ts';
import type { CancelReason, RunningCall } from '../call/running-call.ts';
import type { ToolError } from '../call/tool-error.ts';

export class ObservedCall implements RunningCall {
  readonly #call: RunningCall;
  readonly #onProgress: (event: Extract<ToolEvent, { type: 'progress' }>) => void;

  /** @param onProgress must not throw. */
  constructor(call: RunningCall, onProgress: (event: Extract<ToolEvent, { type: 'progress' }>) => void) {
    this.#call = call;
    this.#onProgress = onProgress;
  }

  get callId(): string {
    return this.#call.callId;
  }

  get request(): RunningCall['request'] {
    return this.#call.request;
  }

  get hasStarted(): boolean {
    return this.#call.hasStarted;
  }

  cancel(reason: CancelReason, message?: string): void {
    this.#call.cancel(reason, message);
  }

  answer(ask: number, outcome: { readonly value: unknown } | { readonly error: ToolError }): void {
    this.#call.answer(ask, outcome);
  }

  onEnd(listener: (end: TerminalEvent) => void): void {
    this.#call.onEnd(listener);
  }

  async outcome(): Promise<TerminalEvent> {
    for await (const event of this) if (event.type === 'result' || event.type === 'error') return event;
    return this.#call.outcome();
  }

  [Symbol.asyncIterator](): AsyncIterator<ToolEvent> {
    const events = this.#call[Symbol.asyncIterator]();
    return {
      next: async () => {
        const step = await events.next();
        if (!step.done && step.value.type === 'progress') this.#onProgress(step.value);
        return step;
      },
      return: async () => (await events.return?.()) ?? { done: true, value: undefined },
    };
  }
}
