/**
 * One reader of a kept call, as a transport has it: the call itself, from a number on.
 *
 * D1. Leaving the iteration early is leaving the call: it goes on only where it was detached.
 */
import type { TerminalEvent, ToolEvent } from '../../call/call-events.ts';
import type { CallRequest, CancelReason, Reading, RunningCall } from '../../call/running-call.ts';
import type { ToolError } from '../../call/tool-error.ts';

export interface ReaderOptions extends Partial<Pick<Reading, 'after' | 'isReplay' | 'isOver'>> {
  /** The number of the event that its first one follows. */
  readonly from: number;
  /** Whether it is to be told that the tool has started. */
  readonly wantsStart: boolean;
  /** Whether it wants the events, or only the end. */
  readonly streams: boolean;
}

type Step = IteratorResult<ToolEvent>;

/** What is read. */
export interface ReadCall {
  readonly callId: string;
  readonly request: CallRequest;
  readonly hasStarted: boolean;
  next(reader: CallReader): Promise<Step>;
  leave(reader: CallReader, reason: CancelReason, message: string): void;
  cancel(reason: CancelReason, message?: string): void;
  answer(ask: number, outcome: { readonly value: unknown } | { readonly error: ToolError }): void;
  onEnd(listener: (end: TerminalEvent) => void): void;
}

export class CallReader implements RunningCall, Reading, AsyncIterator<ToolEvent> {
  readonly after: number | undefined;
  readonly isReplay: boolean;
  readonly isOver: boolean;
  readonly streams: boolean;
  /** The number of the last event that was handed out. */
  seen: number;
  wantsStart: boolean;
  /** The last question that was handed out. */
  lastAsk = -1;
  /** Told once, when it has ended for this reader; null afterwards. */
  farewell: Step | null = null;
  readonly #kept: ReadCall;

  constructor(kept: ReadCall, options: ReaderOptions) {
    this.#kept = kept;
    this.after = options.after;
    this.isReplay = options.isReplay ?? false;
    this.isOver = options.isOver ?? false;
    this.seen = options.from;
    this.wantsStart = options.wantsStart;
    this.streams = options.streams;
  }

  get callId(): string {
    return this.#kept.callId;
  }

  get reading(): Reading {
    return this;
  }

  get request(): CallRequest {
    return this.#kept.request;
  }

  get hasStarted(): boolean {
    return this.#kept.hasStarted;
  }

  cancel(reason: CancelReason, message?: string): void {
    this.#kept.cancel(reason, message);
  }

  leave(reason: CancelReason, message: string): void {
    this.#kept.leave(this, reason, message);
  }

  answer(ask: number, outcome: { readonly value: unknown } | { readonly error: ToolError }): void {
    this.#kept.answer(ask, outcome);
  }

  onEnd(listener: (end: TerminalEvent) => void): void {
    this.#kept.onEnd(listener);
  }

  async outcome(): Promise<TerminalEvent> {
    for await (const event of this) if (event.type === 'result' || event.type === 'error') return event;
    throw new Error(`call ${this.callId} was read to its end before`);
  }

  next(): Promise<Step> {
    return this.#kept.next(this);
  }

  return(): Promise<Step> {
    this.leave('cancelled', 'the reader of the call left');
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): AsyncIterator<ToolEvent> {
    return this;
  }
}
