/**
 * A call that a host of the fleet runs, as a gateway has it: what the host wrote to the call's stream, as events.
 *
 * F1. Entries are delivered in the order of the stream and none is left out: what was not heard is fetched.
 * F2. Asking for the next event says that the one before is consumed; that is told to the host in halves of its window,
 *     and what no reader can want any more is trimmed.
 * F3. What ended the call is what Redis says, unless it is silent for a moment: then its caller is told what ended it
 *     here, and Redis as soon as it listens.
 * F4. A call that another gateway has taken over ends here for its reader alone: also where that was not heard, and what
 *     would come next is no longer there, since it was read elsewhere.
 * F5. Where a run begins or ends behind what was told here, or another goes on under its number, Redis has lost the rest:
 *     the call ends `gone`, for all alike.
 */
import { cancelError, outcomeOf } from '../../call/call-ending.ts';
import type { TerminalEvent, ToolEvent } from '../../call/call-events.ts';
import type { CancelReason, RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { AdmittedCall } from '../../runners/runner.ts';
import { fromEntry, sizeOf, waitIn } from '../events.ts';
import { END_ID } from '../redis/scripts.ts';
import type { HostPlace } from '../routes.ts';
import { isBehind, placeOf, type StreamEntry, type StreamPlace } from './stream-entry.ts';

/** What the host may have written and nobody read; told back in halves. */
export const WINDOW_BYTES = 1024 * 1024;

/** What a call needs of its runner. */
export interface FleetCallHost {
  /** Told before the call has ended here. @returns what to do behind it. */
  cancelled(call: FleetCall, error: ToolError, reason: CancelReason): void;
  answer(call: FleetCall, ask: number, outcome: Parameters<RunningCall['answer']>[1]): void;
  /** So much of this run is read; what is older than `keepFrom` may go. */
  credit(call: FleetCall, epoch: number, bytes: number, keepFrom: string): void;
  /** A host had it after so many milliseconds. */
  waited(ms: number): void;
  /** Something is in the stream that was not heard. */
  behind(call: FleetCall): void;
  /** What comes next is no longer there: it was read elsewhere. */
  overtaken(call: FleetCall): void;
  ended(call: FleetCall): void;
  defect(error: unknown, callId: string): void;
}

type Step = IteratorResult<ToolEvent>;

export interface FleetCallOptions {
  /** How many bytes that were read are left in the stream for readers who come back; 0: none. */
  readonly keepBytes: number;
  /** When it was made, in milliseconds ago. */
  readonly ageMs?: number;
}

export class FleetCall implements RunningCall, AsyncIterator<ToolEvent> {
  readonly callId: string;
  readonly request: AdmittedCall;
  readonly createdAt: number;
  /** The last that was taken in. */
  place: StreamPlace = { epoch: 0, seq: 0 };
  /** What tells the run of the last one from all others of the call. */
  #run = '';
  /** Redis has lost what was told here. */
  #isLost = false;
  /** When anything was heard of it last. */
  heardAt = performance.now();
  /** True while what was missed is fetched. */
  isFetching = false;
  /** The host's last word of the run, by Redis's clock, and when it was seen here first. */
  #beat = { told: '', seenAt: 0 };
  /** The group that it was given to. */
  group = '';
  /** The place that is taken for it at the host to which it is offered. */
  offered: HostPlace | undefined;
  /** On offer: that host was not seen to take it. */
  isOffer = false;
  /** True: a host may have it. */
  isDispatched = false;
  /** Another gateway made it, and its reader came from there. */
  isAdopted = false;
  readonly #host: FleetCallHost;
  readonly #keepBytes: number;
  #events: { event: ToolEvent; bytes: number; id: string }[] = [];
  #reader: ((step: Step) => void) | null = null;
  #handed: { bytes: number; id: string } | null = null;
  #read = 0;
  #credited = 0;
  /** Ids of what was read, and how much had been read with it; the newest `keepBytes`. */
  #kept: { id: string; read: number }[] = [];
  #end: TerminalEvent | null = null;
  #endListeners: ((end: TerminalEvent) => void)[] = [];
  #hasStarted = false;
  #hasTold = false;
  #hasWaited: boolean;
  #chunks = 0;
  /** Where there is more than was heard: an id that was told alone. */
  #isBehind = false;
  /** Something came while the rest was fetched, which may not have it. */
  #hasMore = false;

  constructor(request: AdmittedCall, host: FleetCallHost, { keepBytes, ageMs = 0 }: FleetCallOptions) {
    this.callId = request.callId;
    this.request = request;
    this.createdAt = performance.now() - ageMs;
    this.#host = host;
    this.#keepBytes = keepBytes;
    this.#hasWaited = ageMs > 0; // counted where it was made
  }

  get isEnded(): boolean {
    return this.#end !== null;
  }

  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  /** Whether a host has begun it. */
  get hasBegun(): boolean {
    return this.place.epoch > 0;
  }

  /** What waits here to be read, in bytes. */
  get #waiting(): number {
    let bytes = 0;
    for (const one of this.#events) bytes += one.bytes;
    return bytes;
  }

  /** How long the host has said nothing of the run, as far as it was looked at. @param told when it did last. */
  sinceBeat(told: string): number {
    if (told !== this.#beat.told) this.#beat = { told, seenAt: performance.now() };
    return performance.now() - this.#beat.seenAt;
  }

  get durationMs(): number {
    return Math.round((performance.now() - this.createdAt) * 1000) / 1000;
  }

  /** Where fetching goes on. */
  get cursor(): string {
    return `${this.place.epoch}-${this.place.seq}`;
  }

  /** Whether there is more than was heard, and it is wanted now. */
  get wantsMore(): boolean {
    return this.#isBehind && !this.isFetching && this.#end === null && this.#waiting < WINDOW_BYTES / 4;
  }

  /** An entry that was heard. */
  hear(entry: StreamEntry): void {
    this.heardAt = performance.now();
    if (this.#end !== null) return;
    if (this.#isOther(entry)) return this.#lose();
    if (this.isFetching || this.#isBehind || !this.#follows(entry)) return this.missed();
    this.#take(entry);
  }

  /** There is something that was not heard. */
  missed(): void {
    this.heardAt = performance.now();
    this.#isBehind = true;
    this.#hasMore ||= this.isFetching;
    if (this.wantsMore) this.#host.behind(this);
  }

  /** It begins with `entry`: what was before is read. @param read how much that was, of the entry's run, in bytes. */
  beginAt({ id, before }: StreamEntry, read: number): void {
    this.#read = read;
    this.#credited = read;
    const { epoch, seq } = placeOf(id);
    if (id === END_ID) this.place = placeOf(before);
    else this.place = seq === 0 ? { epoch: epoch - 1, seq: 0 } : { epoch, seq: seq - 1 };
  }

  /** Entries that were fetched, from the cursor on. @param isAll whether there was no more. */
  fetched(entries: readonly StreamEntry[], isAll: boolean): void {
    this.heardAt = performance.now();
    for (const entry of entries) {
      if (this.#end !== null) return;
      if (this.#isOther(entry)) return this.#lose();
      if (this.#isKnown(entry)) continue;
      if (this.#isBeyond(entry)) return this.#host.overtaken(this);
      this.#take(entry);
    }
    this.#isBehind = !isAll || this.#hasMore;
    this.#hasMore = false;
  }

  #isKnown({ id }: StreamEntry): boolean {
    if (id === END_ID) return false;
    const { epoch, seq } = placeOf(id);
    return epoch < this.place.epoch || (epoch === this.place.epoch && seq <= this.place.seq && epoch > 0);
  }

  /** Whether what is before it has been trimmed, and was not taken in here. */
  #isBeyond(entry: StreamEntry): boolean {
    if (entry.kind === 'b') return false;
    const { epoch, seq } = placeOf(entry.id);
    return isBehind(this.place, entry.id === END_ID ? placeOf(entry.before) : { epoch, seq: seq - 1 });
  }

  /** Whether it does not go on with what was told here (F5). */
  #isOther({ id, kind, before }: StreamEntry): boolean {
    if (kind === 'b') return false; // says so itself
    if (id === END_ID) return kind === 'r' && isBehind(placeOf(before), this.place);
    return (
      this.#run !== '' && before !== '' && before !== this.#run && placeOf(id).epoch === this.place.epoch
    );
  }

  #lose(): void {
    const text = 'Redis has lost events of the call that were told, and it goes on without them; call again';
    const error = new ToolError('gone', text);
    if (this.#isLost) return this.fail(error, true);
    this.#isLost = true;
    this.#host.cancelled(this, error, 'cancelled');
  }

  /** Whether nothing is missing before it. Known ones follow: they are dropped. */
  #follows(entry: StreamEntry): boolean {
    const { epoch, seq } = this.place;
    // That it began for the first time is not told: nothing comes of it.
    const isNew = epoch === 0;
    if (entry.id === END_ID || entry.kind === 'b')
      return entry.before === this.cursor || (isNew && entry.before === '1-0');
    const at = placeOf(entry.id);
    return at.epoch === (isNew ? 1 : epoch) && at.seq === seq + 1;
  }

  #take(entry: StreamEntry): void {
    if (entry.kind === 'b') return this.#begin(entry);
    if (!this.#hasWaited) this.#tellWait(entry);
    if (entry.id !== END_ID) {
      this.place = placeOf(entry.id);
      this.#run = entry.before;
    }
    let event: ToolEvent | null;
    try {
      event = fromEntry(entry);
    } catch (error) {
      this.#host.defect(error, this.callId);
      return;
    }
    if (event === null) return;
    switch (event.type) {
      case 'started':
        this.#hasStarted = true;
        if (this.#hasTold) return;
        this.#hasTold = true;
        break;
      case 'chunks':
        this.#chunks = event.index + event.items.length;
        break;
      case 'result':
      case 'error':
        if (event.type === 'result' || entry.kind === 'x') this.#hasStarted = true;
        return this.#finish(event);
      default:
    }
    this.#emit({ event, bytes: sizeOf(entry), id: entry.id });
  }

  #tellWait(entry: StreamEntry): void {
    const ms = waitIn(entry);
    if (ms === undefined) return;
    this.#hasWaited = true;
    this.#host.waited(ms);
  }

  #begin(entry: StreamEntry): void {
    if (isBehind(placeOf(entry.before), this.place)) {
      this.place = placeOf(entry.id);
      return this.#lose();
    }
    this.place = placeOf(entry.id);
    this.#run = '';
    this.#read = 0;
    this.#credited = 0;
    this.#kept = [];
    this.#handed = null;
    for (const one of this.#events) one.bytes = 0; // of a run that nobody waits for any more
    if (entry.head === '1') {
      this.#chunks = 0;
      this.#emit({ event: { type: 'restarted', attempt: this.place.epoch, seq: 0 }, bytes: 0, id: entry.id });
    }
  }

  #emit(one: { event: ToolEvent; bytes: number; id: string }): void {
    const reader = this.#reader;
    if (!reader) {
      this.#events.push(one);
      return;
    }
    this.#reader = null;
    reader(this.#handOut(one));
  }

  #handOut(one: { event: ToolEvent; bytes: number; id: string }): Step {
    this.#handed = one;
    return { done: false, value: one.event };
  }

  /** What was handed out last is read. */
  #consume(): void {
    const handed = this.#handed;
    if (!handed) return;
    this.#handed = null;
    if (handed.bytes === 0 || this.#end !== null) return;
    this.#read += handed.bytes;
    if (this.#keepBytes > 0) this.#kept.push({ id: handed.id, read: this.#read });
    if (this.#read - this.#credited < WINDOW_BYTES / 2) return;
    this.#credited = this.#read;
    while ((this.#kept[0]?.read ?? Number.POSITIVE_INFINITY) < this.#read - this.#keepBytes)
      this.#kept.shift();
    const keepFrom = this.#keepBytes > 0 ? this.#kept[0]?.id : handed.id;
    this.#host.credit(this, this.place.epoch, this.#read, keepFrom ?? handed.id);
  }

  /** Ends the call with `error`, unless it has ended. @param mayHaveRun true: a host may have started its tool. */
  fail(error: ToolError, mayHaveRun = false): void {
    if (this.#end !== null) return;
    this.#hasStarted ||= mayHaveRun;
    this.#finish({ type: 'error', error, chunks: this.#chunks, durationMs: this.durationMs });
  }

  /** Another gateway has it. @param isAway false: it has it already; true: it is to take it when its reader comes there. */
  leave(error: ToolError, isAway: boolean): void {
    if (this.#end !== null) return;
    const away = isAway ? { isAway } : {};
    const { durationMs } = this;
    this.#finish({ type: 'error', isMoved: true, ...away, error, chunks: this.#chunks, durationMs });
  }

  get chunks(): number {
    return this.#chunks;
  }

  cancel(reason: CancelReason, message?: string): void {
    if (this.#end !== null) return;
    this.#host.cancelled(this, cancelError(reason, message), reason);
  }

  answer(ask: number, outcome: Parameters<RunningCall['answer']>[1]): void {
    this.#host.answer(this, ask, outcome);
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

  next(): Promise<Step> {
    this.#consume();
    const event = this.#events.shift();
    if (this.wantsMore) this.#host.behind(this);
    if (event) return Promise.resolve(this.#handOut(event));
    if (this.#end !== null) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.#reader = resolve;
    });
  }

  return(): Promise<Step> {
    this.cancel('cancelled', 'the reader of the call left');
    this.#events = [];
    return Promise.resolve({ done: true, value: undefined });
  }

  #finish(end: TerminalEvent): void {
    this.#end = end;
    this.#isBehind = false;
    this.#emit({ event: end, bytes: 0, id: END_ID });
    const listeners = this.#endListeners;
    this.#endListeners = [];
    for (const listener of listeners) {
      try {
        listener(end);
      } catch (error) {
        this.#host.defect(error, this.callId);
      }
    }
    this.#host.ended(this);
  }
}
