/**
 * A call that is answered by a run which it may share with others, or by what was kept of one. To its reader it is a
 * call like any: its own id, start, end, deadline and cancel.
 *
 * C1. Chunks come in their order and none is left out, whenever it joined. Progress and log records come while it
 *     listens; what was told before is not told again.
 * C2. The list that its result repeats is put together here, up to its own cap: each call may have another.
 * C3. Its end is its own: a cancelled call ends alone.
 */
import { cancelError, outcomeOf } from '../../call/call-ending.ts';
import { chunkCount, type TerminalEvent, type ToolEvent } from '../../call/call-events.ts';
import { LOG_RANK } from '../../call/log-level.ts';
import type { CancelReason, RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { AdmittedCall } from '../../runners/runner.ts';
import { EndListeners, type OnDefect } from './end-listeners.ts';

type ChunksEvent = Extract<ToolEvent, { type: 'chunks' }>;

/** So that short answers end whether or not somebody reads, as those of other calls do. */
const READ_AHEAD_BYTES = 64 * 1024;

/** Log records that a reader who does not keep up may leave unread; the gateway's log has all. */
const MAX_UNREAD_LOGS = 1000;

/** What a call reads from. */
export interface Source {
  readonly hasStarted: boolean;
  readonly retries?: number;
  /** A reader asks for more. */
  wanted(): void;
  /** A reader is gone. */
  left(call: SharedCall): void;
}

export class SharedCall implements RunningCall, AsyncIterator<ToolEvent> {
  readonly request: AdmittedCall;
  readonly #source: Source;
  /** Whether another call's run answers it. */
  readonly #isFollower: boolean;
  readonly #listeners: EndListeners;
  readonly #createdAt = performance.now();
  #events: ToolEvent[] = [];
  #unreadBytes = 0;
  #reader: ((step: IteratorResult<ToolEvent>) => void) | null = null;
  #hasToldStart = false;
  #chunks = 0;
  /** Chunks for the repeat; null once they are more than the caller wants. */
  #list: string[] | null = [];
  #listBytes = 2;
  #end: TerminalEvent | null = null;

  constructor(request: AdmittedCall, source: Source, isFollower: boolean, onDefect: OnDefect) {
    this.request = request;
    this.#source = source;
    this.#isFollower = isFollower;
    this.#listeners = new EndListeners(onDefect);
  }

  get callId(): string {
    return this.request.callId;
  }

  get hasStarted(): boolean {
    return this.#source.hasStarted;
  }

  get retries(): number {
    return this.#isFollower ? 0 : (this.#source.retries ?? 0);
  }

  get isEnded(): boolean {
    return this.#end !== null;
  }

  /** Whether there may be more: a little ahead of its reader. One that wants the end alone always takes more. */
  get isHungry(): boolean {
    return this.#end === null && (!this.request.streams || this.#unreadBytes < READ_AHEAD_BYTES);
  }

  /** What its reader has not taken yet. */
  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  take(event: ToolEvent): void {
    if (this.#end) return;
    const { streams, logLevel } = this.request;
    switch (event.type) {
      case 'started':
        return this.#start();
      case 'chunks':
        this.#start();
        this.#chunks = event.index + chunkCount(event);
        this.#keepForRepeat(event);
        if (streams && this.#end === null) this.#emit(event);
        return;
      case 'progress':
        if (!streams) return;
        // Nobody has seen the one before: the latest wins.
        if (this.#events.at(-1)?.type === 'progress') this.#events.pop();
        return this.#emit(event);
      case 'log':
        if (logLevel === undefined || LOG_RANK[event.level] < LOG_RANK[logLevel]) return;
        if (this.#events.length < MAX_UNREAD_LOGS) this.#emit(event);
        return;
      case 'restarted':
        this.#chunks = 0;
        this.#list?.splice(0);
        this.#listBytes = 2;
        if (streams) this.#emit(event);
        return;
      case 'ask': // a run that may be shared has nobody to ask
        return;
      default:
        if (event.type === 'result') this.#start();
        return this.#finish(this.#own(event));
    }
  }

  #start(): void {
    if (this.#hasToldStart || !this.request.streams) return;
    this.#hasToldStart = true;
    this.#emit({ type: 'started' });
  }

  #keepForRepeat(event: ChunksEvent): void {
    if (this.#list === null || this.request.repeatBytes === 0) return;
    const { items } = event;
    for (const item of items) this.#listBytes += Buffer.byteLength(item) + 1;
    if (this.#listBytes <= this.request.repeatBytes) {
      this.#list.push(...items);
      return;
    }
    this.#list = null;
    if (this.request.streams) return;
    const text =
      `the list is larger than ${this.request.repeatBytes} bytes (MAX_RESULT_BYTES); stream it instead (POST …/stream, ` +
      'WebSocket) or ask for less at a time (limit and cursor, where the tool has them)';
    this.#fail(new ToolError('result_too_large', text));
  }

  /** The end of the run as that of this call. */
  #own(end: TerminalEvent): TerminalEvent {
    const durationMs = this.#durationMs();
    const { relayed: own } = end;
    const more = own === undefined ? {} : { relayed: own };
    if (end.type === 'error') {
      const { type, error, isMoved = false, isAway = false } = end;
      const where = { ...(isMoved && { isMoved }), ...(isAway && { isAway }) };
      return { type, error, chunks: this.#chunks, durationMs, ...more, ...where };
    }
    const { type, repeats, shape, chunks } = end;
    const isRepeated = this.#list !== null && this.request.repeatBytes > 0;
    const list = isRepeated ? `[${this.#list?.join(',')}]` : null;
    const meta = this.#isFollower ? markedAsCached(end.meta) : end.meta;
    return { type, data: repeats ? list : end.data, repeats, shape, chunks, meta, durationMs, ...more };
  }

  #durationMs(): number {
    return Math.round((performance.now() - this.#createdAt) * 1000) / 1000;
  }

  #fail(error: ToolError): void {
    this.#finish({ type: 'error', error, chunks: this.#chunks, durationMs: this.#durationMs() });
    this.#source.left(this);
  }

  #finish(end: TerminalEvent): void {
    this.#end = end;
    this.#list = null;
    this.#emit(end);
    this.#listeners.tell(end);
  }

  #emit(event: ToolEvent): void {
    const reader = this.#reader;
    if (!reader) {
      if (event.type === 'chunks') this.#unreadBytes += sizeOf(event);
      this.#events.push(event);
      return;
    }
    this.#reader = null;
    reader({ done: false, value: event });
  }

  cancel(reason: CancelReason, message?: string): void {
    if (this.#end) return;
    this.#fail(cancelError(reason, message));
  }

  answer(): void {} // nothing was asked

  onEnd(listener: (end: TerminalEvent) => void): void {
    this.#listeners.add(listener);
  }

  outcome(): Promise<TerminalEvent> {
    return outcomeOf(this, this.callId);
  }

  [Symbol.asyncIterator](): AsyncIterator<ToolEvent> {
    return this;
  }

  next(): Promise<IteratorResult<ToolEvent>> {
    const event = this.#events.shift();
    if (event) {
      if (event.type === 'chunks') this.#unreadBytes -= sizeOf(event);
      return Promise.resolve({ done: false, value: event });
    }
    if (this.#end !== null) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.#reader = resolve;
      this.#source.wanted();
    });
  }

  return(): Promise<IteratorResult<ToolEvent>> {
    this.cancel('cancelled', 'the reader of the call left');
    this.#events = [];
    return Promise.resolve({ done: true, value: undefined });
  }
}

/** What V8 needs for chunks at most: two bytes a character, and so much for each text. */
export function sizeOf({ items }: ChunksEvent): number {
  let size = 0;
  for (const item of items) size += sizeOfText(item);
  return size;
}

export const sizeOfText = (text: string): number => 2 * text.length + 32;

/** The tool's own facts, and ours; where the names meet, ours holds. */
function markedAsCached(meta: string | null): string {
  if (meta === null || meta === '{}') return '{"cached":true}';
  return JSON.stringify({ ...JSON.parse(meta), cached: true });
}
