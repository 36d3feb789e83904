/**
 * A call that is kept: asks its runner for events, numbers and keeps them, and hands them to the one reader it has.
 *
 * K1. With a reader, the next event is asked for when the reader asks: back-pressure is the reader's. Without one, a
 *     detached call runs ahead by half of what is kept of it, and then holds at its `yield`: the other half is what was
 *     under way to the reader that left.
 * K2. One that is not detached is cancelled when its reader leaves. What is in the gateway of a call that has ended is
 *     taken in whether anybody reads or not, since its end is what a reader who comes back is told.
 * K3. A newer reader takes over at once; the older is told `conflict` as its end when it asks next.
 * K4. Once ended it holds on to its events and its end, and neither to its arguments nor to what ran it.
 *
 * Length: who reads, what is kept and what is asked for are one state, that each of its methods moves on.
 */
import { chunkCount, type ErrorEvent, type TerminalEvent, type ToolEvent } from '../../call/call-events.ts';
import type { CallRequest, CancelReason, RunningCall } from '../../call/running-call.ts';
import { forgetStack, ToolError } from '../../call/tool-error.ts';
import type { CallState } from './call-history.ts';
import { CallReader, type ReadCall } from './call-reader.ts';
import { KeptEvents, numbered } from './kept-events.ts';

type Step = IteratorResult<ToolEvent>;
type AskEvent = Extract<ToolEvent, { type: 'ask' }>;

const DONE: Step = { done: true, value: undefined };
const STARTED: Step = { done: false, value: { type: 'started' } };
/** What a call counts for besides its events and its end. */
const CALL_BYTES = 1024;

/** What a kept call needs of the history. */
export interface KeptCallHost {
  /** How much of its newest events is kept now, in bytes. */
  readonly eventBytes: number;
  /** So many chunks have come. */
  took(chunks: number): void;
  /** More or less is kept by so many bytes. */
  grew(bytes: number): void;
  /** All of it is taken in: nothing comes any more. */
  ended(call: KeptCall): void;
}

export class KeptCall implements ReadCall {
  readonly callId: string;
  readonly madeAt: number;
  /** Without its arguments once it has ended. */
  request: CallRequest;
  readonly #host: KeptCallHost;
  readonly #createdAt = performance.now();
  readonly #events: KeptEvents;
  /** What runs it, until all of it is taken in. */
  #call: RunningCall | null;
  #source: AsyncIterator<ToolEvent> | null;
  /** Known as soon as the call has ended, which may be before it is read so far. */
  #outcome: TerminalEvent | null = null;
  /** The end as it was taken in, with its number. */
  #end: TerminalEvent | null = null;
  #hasStarted = false;
  #chunks = 0;
  #bytes = CALL_BYTES;
  /** True while the source owes an event. */
  #isAsking = false;
  #reader: CallReader | null = null;
  /** What the reader waits with. */
  #waiting: ((step: Step | Promise<Step>) => void) | null = null;
  /** Of one that was taken over: its newest event then, which may not be taken in yet. */
  #newest = 0;
  /** While nobody reads: up to where it was read, and the bytes of what came since. */
  #seen = 0;
  #unread = 0;
  #absence: NodeJS.Timeout | undefined;
  /** Questions without an answer, for the next reader too. */
  #asks: Map<number, AskEvent> | undefined;

  /** @param before the number of the last event that is no longer to be had. */
  constructor(call: RunningCall, host: KeptCallHost, before = 0) {
    this.#events = new KeptEvents(before);
    this.callId = call.callId;
    this.request = call.request;
    this.madeAt = call.request.madeAt ?? Date.now();
    this.#host = host;
    this.#call = call;
    this.#source = call[Symbol.asyncIterator]();
    host.grew(CALL_BYTES);
    call.onEnd((end) => {
      this.#outcome ??= end;
      this.#hasStarted ||= call.hasStarted;
      if (!this.#reader) this.#ask();
    });
  }

  get hasStarted(): boolean {
    return this.#hasStarted || (this.#call?.hasStarted ?? false);
  }

  get state(): CallState {
    return {
      callId: this.callId,
      tool: this.request.name,
      hasStarted: this.hasStarted,
      chunks: this.#chunks,
      madeAt: this.madeAt,
      end: this.#outcome ?? undefined,
    };
  }

  /** What it counts for, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whose it is. */
  get keyId(): string {
    return this.request.caller.keyId;
  }

  /** Its first reader. @param streams whether it wants the events, or only the end. */
  open(streams: boolean): CallReader {
    return this.#attach(new CallReader(this, { streams, from: 0, wantsStart: streams }));
  }

  /** Somebody who made the call again. @throws {ToolError} `gone` when events that it wants are no longer kept. */
  replay(streams: boolean): CallReader {
    const { dropped } = this.#events;
    if (streams && dropped > 0) throw this.#gone(0);
    return this.#attach(
      new CallReader(this, { streams, from: dropped, wantsStart: streams, isReplay: true }),
    );
  }

  /**
   * Somebody who comes back for the rest.
   * @throws {ToolError} `gone` when some of it is no longer kept, invalid_request when it has not come that far.
   */
  resume(after: number): CallReader {
    const { dropped } = this.#events;
    const last = Math.max(this.#events.last, this.#newest);
    const closing = this.#end ? last + 2 : Number.POSITIVE_INFINITY;
    if (after >= closing) return this.#closingReader(after);
    const from = Math.max(0, after);
    if (from < dropped) throw this.#gone(from);
    if (!this.#end && after > last) {
      const reason = `the call ${this.callId} has no event ${after} yet; its newest is ${last}`;
      throw new ToolError('invalid_request', reason);
    }
    return this.#attach(new CallReader(this, { streams: true, from, wantsStart: after < 0, after }));
  }

  /** Whether somebody has seen more of it than is here. @param after the newest event that was seen. */
  isBehind(after: number): boolean {
    return after > Math.max(this.#events.last, this.#newest) + (this.#end ? 2 : 0);
  }

  /** Whether all of it is here. */
  get isTakenIn(): boolean {
    return this.#end !== null;
  }

  /** The first reader of a call that was taken over, which is not read so far yet. @param last its newest event. */
  resumeTaken(after: number, last: number): CallReader {
    const from = Math.max(0, after);
    this.#newest = last;
    if (from < this.#events.dropped) throw this.#gone(from);
    if (after > last) {
      const reason = `the call ${this.callId} has no event ${after}; its newest is ${last}, and others may have been lost`;
      throw new ToolError('gone', reason);
    }
    return this.#attach(new CallReader(this, { streams: true, from, wantsStart: after < 0, after }));
  }

  /** It is kept elsewhere from now on. @param isAway whether its reader is to go there too. */
  moveAway(isAway: boolean): void {
    clearTimeout(this.#absence);
    const reader = this.#reader;
    this.#reader = null;
    if (!reader) return;
    reader.farewell = { done: false, value: isAway ? this.#awayEnd() : this.#movedEnd() };
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.(farewell(reader));
  }

  #attach(reader: CallReader): CallReader {
    const before = this.#reader;
    this.#reader = reader;
    clearTimeout(this.#absence);
    if (!before) return reader;
    before.farewell = { done: false, value: this.#movedEnd() };
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.(farewell(before));
    return reader;
  }

  /** For who has seen all of it: it takes nothing over. */
  #closingReader(after: number): CallReader {
    const reader = new CallReader(this, {
      streams: true,
      from: after,
      wantsStart: false,
      after,
      isOver: true,
    });
    if (this.#end) reader.farewell = { done: false, value: { ...this.#end, isSeen: true } };
    return reader;
  }

  #movedEnd(): ErrorEvent {
    const error = new ToolError('conflict', `a newer reader has taken the call ${this.callId} over`);
    const durationMs = Math.round((performance.now() - this.#createdAt) * 1000) / 1000;
    return { type: 'error', isMoved: true, error, chunks: this.#chunks, durationMs };
  }

  #awayEnd(): ErrorEvent {
    const reason = 'the gateway is going; go on with the call at another';
    const error = new ToolError('unavailable', reason, { retryAfterMs: 500 });
    return { ...this.#movedEnd(), isAway: true, error };
  }

  #gone(after: number): ToolError {
    const first = this.#events.dropped + 1;
    const reason = `the events after ${after} of the call ${this.callId} are no longer kept (RESUME_BYTES)`;
    return new ToolError('gone', `${reason}; the oldest that is kept is ${first}`);
  }

  next(reader: CallReader): Promise<Step> {
    if (reader !== this.#reader) return Promise.resolve(farewell(reader));
    const step = this.#stepFor(reader);
    if (step) return Promise.resolve(step);
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#ask();
    });
  }

  /** What is there for a reader; undefined: nothing yet. */
  #stepFor(reader: CallReader): Step | undefined {
    if (reader.wantsStart && this.#hasStarted) {
      reader.wantsStart = false;
      return STARTED;
    }
    if (reader.seen < this.#events.last) {
      const event = this.#events.after(reader.seen);
      if (event) return this.#handOut(reader, event);
    }
    if (this.#asks)
      for (const ask of this.#asks.values()) if (ask.ask > reader.lastAsk) return tellAsk(reader, ask);
    return this.#end ? this.#endFor(reader, this.#end) : undefined;
  }

  #handOut(
    reader: CallReader,
    event: Extract<ToolEvent, { type: 'progress' | 'chunks' | 'restarted' }>,
  ): Step {
    reader.seen = (event.seq ?? 0) + (event.type === 'chunks' ? chunkCount(event) - 1 : 0);
    return { done: false, value: event };
  }

  #endFor(reader: CallReader, end: TerminalEvent): Step {
    this.#reader = null;
    if (reader.seen > this.#events.last) return { done: false, value: { ...end, isSeen: true } };
    return { done: false, value: reader.streams ? this.#asStreamed(end) : end };
  }

  /** A call that was made for its end alone repeats its chunks there whatever their size; a stream does not. */
  #asStreamed(end: TerminalEvent): TerminalEvent {
    const { repeatBytes = 0 } = this.request.keep ?? {};
    if (end.type === 'error' || !end.repeats || end.data === null || end.data === '[]') return end;
    if (this.request.repeatBytes <= repeatBytes) return end;
    return Buffer.byteLength(end.data) + 1 <= repeatBytes ? end : { ...end, data: null };
  }

  #ask(): void {
    if (this.#isAsking || !this.#source) return;
    this.#isAsking = true;
    this.#source.next().then(this.#onStep, this.#onDefect);
  }

  readonly #onStep = (step: Step): void => {
    this.#isAsking = false;
    if (step.done) return this.#onDefect(new Error(`the call ${this.callId} has no end`));
    this.#take(step.value);
    const reader = this.#reader;
    if (!reader) return this.#runAhead();
    const waiting = this.#waiting;
    if (!waiting) return;
    const next = step.value.type === 'log' ? step : this.#stepFor(reader);
    if (!next) return this.#ask();
    this.#waiting = null;
    waiting(next);
  };

  /** The source must not throw: whoever reads is told so, and the call is at its end. */
  readonly #onDefect = (defect: unknown): void => {
    this.#isAsking = false;
    const error = new ToolError('internal', 'the events of the call broke off', { cause: defect });
    const call = this.#call;
    if (!this.#end) this.#finish({ type: 'error', error, chunks: this.#chunks, durationMs: 0 });
    call?.cancel('cancelled', 'the events of the call broke off');
    this.#waiting?.(Promise.reject(defect));
    this.#waiting = null;
  };

  #take(event: ToolEvent): void {
    switch (event.type) {
      case 'started':
        this.#hasStarted = true;
        return;
      case 'log': // is nothing to come back for
        return;
      case 'ask':
        this.#asks ??= new Map();
        this.#asks.set(event.ask, event);
        return;
      case 'result':
      case 'error':
        return this.#finish(event);
      default: {
        if (event.type === 'chunks') {
          const count = chunkCount(event);
          this.#chunks = event.index + count;
          this.#host.took(count);
        } else if (event.type === 'restarted') this.#chunks = 0;
        const bytes = this.#events.push(event);
        if (!this.#reader) this.#unread += bytes;
        this.#grow(bytes - this.#events.trim(this.#host.eventBytes, this.#reader?.seen ?? this.#seen));
      }
    }
  }

  #finish(told: TerminalEvent): void {
    const end = numbered(told, this.#events.last + 1);
    this.#end = end;
    this.#outcome ??= end;
    this.#hasStarted ||= this.#call?.hasStarted ?? false;
    this.#call = null;
    this.#source = null;
    this.#asks = undefined;
    clearTimeout(this.#absence);
    const { kind, name, caller, streams, repeatBytes, keep, logLevel } = this.request;
    this.request = { kind, name, caller, streams, repeatBytes, keep, logLevel, arguments: undefined };
    if (end.type === 'error') forgetStack(end.error);
    this.#grow(sizeOf(end));
    this.#host.ended(this);
  }

  #grow(bytes: number): void {
    if (bytes === 0) return;
    this.#bytes += bytes;
    this.#host.grew(bytes);
  }

  leave(reader: CallReader, reason: CancelReason, message: string): void {
    if (reader !== this.#reader) return;
    this.#reader = null;
    this.#waiting?.(DONE);
    this.#waiting = null;
    if (this.#end) return;
    this.#seen = reader.seen;
    this.#unread = this.#events.bytesAfter(reader.seen);
    const { detachMs = 0 } = this.request.keep ?? {};
    if (detachMs === 0) this.cancel(reason, message);
    else {
      const wait = `no reader came back for the call within ${detachMs / 1000} s`;
      this.#absence = setTimeout(() => this.cancel('cancelled', wait), detachMs).unref();
    }
    this.#runAhead();
  }

  /**
   * Takes it from its reader, who is told so behind what is under way: it waits for another, as one whose reader left.
   * @returns false where it would not wait, and stays with its reader.
   */
  release(): boolean {
    const { detachMs = 0 } = this.request.keep ?? {};
    if (detachMs === 0) return false;
    const reader = this.#reader;
    if (!reader) return true;
    reader.farewell = { done: false, value: this.#movedEnd() };
    const waiting = this.#waiting;
    this.#waiting = null;
    this.leave(reader, 'cancelled', 'its reader was sent away');
    waiting?.(farewell(reader));
    return true;
  }

  /** K1, K2 */
  #runAhead(): void {
    if (this.#outcome || this.#unread < this.#host.eventBytes / 2) this.#ask();
  }

  cancel(reason: CancelReason, message?: string): void {
    this.#call?.cancel(reason, message);
  }

  answer(ask: number, outcome: { readonly value: unknown } | { readonly error: ToolError }): void {
    this.#asks?.delete(ask);
    this.#call?.answer(ask, outcome);
  }

  onEnd(listener: (end: TerminalEvent) => void): void {
    if (this.#call) this.#call.onEnd(listener);
    else if (this.#end) listener(this.#end);
  }

  /** Stops waiting for a reader. */
  close(): void {
    clearTimeout(this.#absence);
  }
}

/** What a reader is told that is no longer the call's: its own end once, then nothing. */
function farewell(reader: CallReader): Step {
  const step = reader.farewell;
  reader.farewell = null;
  return step ?? DONE;
}

function tellAsk(reader: CallReader, ask: AskEvent): Step {
  reader.lastAsk = ask.ask;
  return { done: false, value: ask };
}

function sizeOf(end: TerminalEvent): number {
  if (end.type === 'result') return (end.data?.length ?? 0) + (end.meta?.length ?? 0);
  const { message, details, cause } = end.error;
  return message.length + textSize(details) + textSize(cause);
}

function textSize(value: unknown): number {
  try {
    return JSON.stringify(value)?.length ?? 0;
  } catch {
    return 0; // such as a BigInt, which no client is shown either
  }
}
