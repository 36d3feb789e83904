/**
 * One call in flight on the gateway's side: turns its thread's frames into the event stream a transport reads.
 *
 * C1. Events come in the order of their frames; the terminal one is last, exactly one, and ends the iteration.
 * C2. Asking for the next event says that the last one is consumed; only then is its credit given back.
 * C3. Once ended (by its tool, a cancel or a death) the call drops every later frame.
 * C4. One reader. Leaving the iteration early cancels the call.
 */

import { cancelError, outcomeOf } from '../../call/call-ending.ts';
import type { TerminalEvent, ToolEvent } from '../../call/call-events.ts';
import { LineBatch } from '../../call/line-batch.ts';
import type { CancelReason, RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { AdmittedCall, Defect } from '../runner.ts';
import { CreditLedger } from './credit-ledger.ts';
import type { Definition } from './definitions.ts';
import type { BegunMark, Credit, HostFrame, ThreadFrame } from './port/frames.ts';
import type { RunSpeed } from './run-speed.ts';
import type { PoolThread } from './thread-source.ts';

/** Log events that a reader who does not keep up may leave unread; later ones are dropped (the gateway's log has all). */
const MAX_UNREAD_LOGS = 1000;

const INTERNAL = 'the gateway failed to handle the call; its log has the cause';

type CallFrameType = 'started' | 'chunks' | 'progress' | 'log' | 'ask' | 'result' | 'error';
export type CallFrame = Extract<ThreadFrame, { readonly type: CallFrameType }>;

/** What a call needs of the pool. */
export interface CallHost {
  /** Climbs the cancel ladder behind a call that has just ended for its caller. */
  cancelled(call: ToolCall, reason: CancelReason): void;
  /** Something of ours threw that is none of the call's business. */
  defect(defect: Defect): void;
}

/** A call as the pool gets it; a host that runs it for another process says where it is marked too. */
export type PooledCall = AdmittedCall & { readonly mark?: BegunMark | undefined };

/** A call's place on a thread. */
export interface Place {
  readonly index: number;
  readonly thread: Pick<PoolThread, 'begun' | 'refresh'>;
  readonly post: (frame: HostFrame) => void;
}

export class ToolCall implements RunningCall, AsyncIterator<ToolEvent> {
  readonly number: number;
  readonly callId: string;
  readonly request: PooledCall;
  readonly isExclusive: boolean;
  /** Of its tool. */
  readonly speed: RunSpeed | undefined;
  /** How often a thread died before the call ran. */
  lostStarts = 0;
  readonly #host: CallHost;
  readonly #isRepeatable: boolean;
  readonly #createdAt = performance.now();
  #startedAt: number | null = null;
  /** As its thread has measured it; null until it has. */
  #ranMs: number | null = null;
  #place: Place | null = null;

  #events: ToolEvent[] = [];
  #reader: ((step: IteratorResult<ToolEvent>) => void) | null = null;
  #end: TerminalEvent | null = null;
  #endListeners: ((end: TerminalEvent) => void)[] = [];
  #onRelease: (() => void) | null = null;
  #chunks = 0;
  readonly #ledger = new CreditLedger();

  constructor(
    number: number,
    request: PooledCall,
    { isolation, annotations, speed }: Definition,
    host: CallHost,
  ) {
    this.number = number;
    this.callId = request.callId;
    this.request = request;
    this.isExclusive = isolation !== 'shared';
    this.speed = speed;
    this.#isRepeatable = annotations?.readOnlyHint === true || annotations?.idempotentHint === true;
    this.#host = host;
  }

  get isEnded(): boolean {
    return this.#end !== null;
  }

  /** Whether its tool runs or has run. */
  get hasStarted(): boolean {
    return this.#startedAt !== null || this.#hasBegun;
  }

  /** Whether its thread has marked it (frames F6). */
  get #hasBegun(): boolean {
    if (this.#place === null) return false;
    const { thread, index } = this.#place;
    thread.refresh?.();
    return Atomics.load(thread.begun, index) === (this.number | 0);
  }

  /** Milliseconds from admission until the tool ran, or until now. */
  get waitedMs(): number {
    return (this.#startedAt ?? performance.now()) - this.#createdAt;
  }

  /** Milliseconds that the tool ran, or has run until now; 0 when it did not. */
  get ranMs(): number {
    if (this.#ranMs !== null) return this.#ranMs;
    return this.#startedAt === null ? 0 : performance.now() - this.#startedAt;
  }

  /** What its tool is expected to take, in milliseconds, as it was when a thread took it. */
  expectedMs = 0;

  /** The index of its place on the thread that has it; null where none has. */
  get placeIndex(): number | null {
    return this.#place?.index ?? null;
  }

  /** From now on a thread has the call. */
  attach(place: Place): void {
    this.#place = place;
  }

  /** From now on none has it. @returns the index of the place that is free now. */
  detach(): number {
    if (this.#startedAt === null && this.#hasBegun) this.#start(0);
    const index = this.#place?.index ?? 0;
    this.#place = null;
    if (this.#end !== null) this.#release();
    return index;
  }

  /** Calls `listener` once, as soon as the call has ended and no thread has it any more. */
  onRelease(listener: () => void): void {
    if (this.#end !== null && this.#place === null) listener();
    else this.#onRelease = listener;
  }

  #release(): void {
    const listener = this.#onRelease;
    this.#onRelease = null;
    listener?.();
  }

  receive(frame: CallFrame): void {
    const isLast = frame.type === 'result' || frame.type === 'error';
    if (isLast && frame.ranMs !== null) {
      // No longer than the call has been there, whatever a tool has made of its thread: averages are made of it.
      const now = performance.now();
      this.#ranMs = Math.min(frame.ranMs, now - this.#createdAt);
      this.#start(this.#ranMs, now);
    }
    if (this.#end !== null) return;
    switch (frame.type) {
      case 'started':
        return this.#start(0);
      case 'chunks':
        this.#chunks = frame.index + frame.count;
        return this.#emit(new LineBatch(frame.index, frame.count, frame.text));
      case 'progress':
        return this.#emit(frame);
      case 'log':
        if (this.#events.length < MAX_UNREAD_LOGS) this.#emit(frame);
        return;
      case 'ask':
        return this.#emit(frame);
      case 'result': {
        // Field by field: a copied object has a shape that V8 does not know.
        const { type, data, repeats, shape, chunks, meta } = frame;
        return this.#finish({ type, data, repeats, shape, chunks, meta, durationMs: this.#durationMs() });
      }
      case 'error': {
        const error = ToolError.fromWire(frame.error);
        return this.fail(
          error.code === 'worker_crashed' ? this.crashError(error.code, error.message, error.cause) : error,
        );
      }
      default:
        frame satisfies never;
    }
  }

  /** The tool has begun, `ms` before `now`. */
  #start(ms: number, now = performance.now()): void {
    if (this.#startedAt !== null) return;
    this.#startedAt = now - ms;
    if (this.#end === null && this.request.streams) this.#emit({ type: 'started' });
  }

  #durationMs(): number {
    return Math.round((performance.now() - this.#createdAt) * 1000) / 1000;
  }

  /** Ends the call with `error`, unless it has ended. */
  fail(error: ToolError): void {
    if (this.#end === null)
      this.#finish({ type: 'error', error, chunks: this.#chunks, durationMs: this.#durationMs() });
  }

  /** The error of a lost thread, retryable only where running the tool twice does no harm. */
  crashError(code: 'worker_crashed' | 'worker_out_of_memory', message: string, cause?: unknown): ToolError {
    return new ToolError(code, message, {
      retryable: this.#isRepeatable,
      ...(cause === undefined ? {} : { cause }),
    });
  }

  /** Ends the call for a defect of ours in its handling, and stops its tool. */
  breakOff(defect: unknown): void {
    if (this.#end !== null) return;
    this.fail(new ToolError('internal', INTERNAL, { cause: defect }));
    this.#host.cancelled(this, 'cancelled');
  }

  cancel(reason: CancelReason, message?: string): void {
    if (this.#end !== null) return;
    this.fail(cancelError(reason, message));
    this.#host.cancelled(this, reason);
  }

  answer(ask: number, outcome: { readonly value: unknown } | { readonly error: ToolError }): void {
    const reply = 'error' in outcome ? { error: ToolError.toWire(outcome.error) } : outcome;
    this.#place?.post({ type: 'answer', call: this.number, ask, ...reply });
  }

  onEnd(listener: (end: TerminalEvent) => void): void {
    if (this.#end === null) this.#endListeners.push(listener);
    else listener(this.#end);
  }

  outcome(): Promise<TerminalEvent> {
    return outcomeOf(this, this.callId);
  }

  [Symbol.asyncIterator](): AsyncIterator<ToolEvent> {
    return this;
  }

  next(): Promise<IteratorResult<ToolEvent>> {
    this.#giveBack(this.#ledger.consumed());
    const event = this.#events.shift();
    if (event) return Promise.resolve(this.#handOut(event));
    if (this.#end !== null) return Promise.resolve({ done: true, value: undefined });
    this.#giveBack(this.#ledger.starved());
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  return(): Promise<IteratorResult<ToolEvent>> {
    this.cancel('cancelled', 'the reader of the call left');
    this.#events = [];
    return Promise.resolve({ done: true, value: undefined });
  }

  #emit(event: ToolEvent): void {
    const reader = this.#reader;
    if (!reader) {
      this.#events.push(event);
      return;
    }
    this.#reader = null;
    reader(this.#handOut(event));
  }

  #finish(end: TerminalEvent): void {
    this.#end = end;
    this.#emit(end);
    const listeners = this.#endListeners;
    this.#endListeners = [];
    for (const listener of listeners) {
      try {
        listener(end);
      } catch (error) {
        this.#host.defect({ during: 'a listener for the end of a call', error, callId: this.callId });
      }
    }
    if (this.#place === null) this.#release();
  }

  #handOut(event: ToolEvent): IteratorResult<ToolEvent> {
    this.#ledger.handOut(event);
    return { done: false, value: event };
  }

  #giveBack(credit: Credit | null): void {
    if (credit !== null && this.#end === null)
      this.#place?.post({ type: 'credit', call: this.number, ...credit });
  }
}
