/**
 * Writes what a call tells to its stream: in order, without holes, and no further than its reader is behind.
 *
 * W1. A few entries are under way at a time. One that Redis refused, since it was full or came back without its last
 *     moments, is written again, and all that came after it.
 * W2. What is not acknowledged is kept, and nothing else.
 * W3. A run that is superseded, or a call that has ended, is told so once; nothing is written after that.
 */

import { DrainGate } from '../../async/drain-gate.ts';
import type { ToolEvent } from '../../call/call-events.ts';
import { type Entry, eventsIn, sizeOf, statusOf, toEntry } from '../events.ts';
import type { FleetRedis } from '../redis/fleet-redis.ts';

const MOST_UNDER_WAY = 8;
const RETRY_MS = 100;
/** What a reader may be behind before it is told ids alone: a little more than what it acknowledges at a time. */
const EAGER_BYTES = 640 * 1024;

export interface WriterOptions {
  readonly redis: FleetRedis;
  readonly callId: string;
  readonly epoch: number;
  readonly keepMs: number;
  /** When the call was opened, by `performance.now()` of this process. */
  readonly openedAt: number;
  /** Its call is no more this run's: why. */
  lost(why: 'superseded' | 'ended' | 'forgotten'): void;
  /** A hole was filled. */
  refilled(): void;
}

interface Pending {
  readonly seq: number;
  readonly entry: Entry;
  readonly events: number;
  readonly chunks: string;
  readonly status: string | null;
}

export class StreamWriter {
  readonly #options: WriterOptions;
  readonly #gate = new DrainGate();
  #pending: Pending[] = [];
  /** How many of `#pending`, from the first on, are under way. */
  #underWay = 0;
  #seq = 0;
  #sent = 0;
  #acknowledged = 0;
  #chunks = 0;
  #mustRewind = false;
  #retry: NodeJS.Timeout | undefined;
  #isLost = false;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** What its reader has not read, in bytes. */
  get outstanding(): number {
    return this.#sent - this.#acknowledged;
  }

  /** What Redis has not taken. */
  get unwritten(): number {
    return this.#pending.length;
  }

  /** Settles when something has been read, written or lost. */
  changed(): Promise<void> {
    return this.#gate.opened();
  }

  write(event: ToolEvent): void {
    if (this.#isLost) return;
    const isEnd = event.type === 'result' || event.type === 'error';
    const durationMs = Math.round((performance.now() - this.#options.openedAt) * 1000) / 1000;
    const entry = toEntry(event, Math.max(0, durationMs));
    if (event.type === 'chunks') this.#chunks = event.index + event.items.length;
    else if (isEnd) this.#chunks = event.chunks;
    const chunks = isEnd || event.type === 'chunks' ? String(this.#chunks) : '';
    this.#pending.push({
      seq: ++this.#seq,
      entry,
      events: eventsIn(event),
      chunks,
      status: isEnd ? statusOf(event) : null,
    });
    this.#sent += sizeOf(entry);
    this.#pump();
  }

  /** The reader has come so far. */
  acknowledged(bytes: number): void {
    if (bytes <= this.#acknowledged) return;
    this.#acknowledged = bytes;
    this.#gate.open();
  }

  /** Nothing is written any more. */
  stop(): void {
    this.#isLost = true;
    this.#pending = [];
    clearTimeout(this.#retry);
    this.#gate.open();
  }

  #pump(): void {
    if (this.#mustRewind || this.#retry !== undefined) return;
    while (this.#underWay < MOST_UNDER_WAY && this.#underWay < this.#pending.length) {
      const one = this.#pending[this.#underWay++] as Pending;
      this.#append(one).then(
        (reply) => this.#onReply(one, reply),
        (error: unknown) => this.#onFailure(error),
      );
    }
  }

  #append({ seq, entry, events, chunks, status }: Pending): Promise<unknown> {
    const { redis, callId, epoch, keepMs } = this.#options;
    const { keys, commands } = redis;
    return commands.fleetAppend(
      keys.call(callId),
      keys.events(callId),
      epoch,
      seq,
      entry.kind,
      entry.head,
      entry.text,
      sizeOf(entry),
      events,
      status === null ? 0 : 1,
      status ?? '',
      keepMs,
      keys.gatewayChannels,
      EAGER_BYTES,
      callId,
      chunks,
    );
  }

  #onReply(one: Pending, reply: unknown): void {
    this.#underWay--;
    if (this.#isLost) return;
    const [code, number] = reply as [number, number];
    switch (code) {
      case 1:
      case 0: {
        const at = this.#pending.indexOf(one);
        if (at >= 0) this.#pending.splice(at, 1);
        this.acknowledged(number);
        break;
      }
      case -5:
        // What was taken before is taken; what was lost with Redis is not here any more, and ends the run.
        if (number < (this.#pending[0]?.seq ?? 0) - 1) return this.#lose('forgotten');
        this.#options.refilled();
        this.#mustRewind = true;
        break;
      default:
        return this.#lose(code === -1 ? 'superseded' : code === -2 ? 'ended' : 'forgotten');
    }
    this.#goOn();
  }

  #onFailure(_error: unknown): void {
    this.#underWay--;
    if (this.#isLost) return;
    this.#mustRewind = true;
    this.#goOn(RETRY_MS);
  }

  #goOn(afterMs = 0): void {
    if (this.#mustRewind) {
      if (this.#underWay > 0) return;
      this.#mustRewind = false;
      this.#retry ??= setTimeout(() => {
        this.#retry = undefined;
        this.#pump();
      }, afterMs);
      return;
    }
    this.#pump();
    this.#gate.open();
  }

  #lose(why: 'superseded' | 'ended' | 'forgotten'): void {
    this.stop();
    this.#options.lost(why);
  }
}
