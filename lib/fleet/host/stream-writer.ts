/**
 * Writes what a call tells to its stream: in order, without holes, and no further than its reader is behind.
 *
 * W1. A few entries are under way at a time. One that Redis refused, since it was full or came back without its last
 *     moments, is written again, and all that came after it.
 * W2. What its reader has not acknowledged is kept, and nothing else; with it a Redis that came back without its last
 *     moments is told again what it lost. Where that is not enough the run is over, and the fleet decides what becomes of it.
 * W3. A run that is superseded, or a call that has ended, is told so once; nothing is written after that.
 */

import { DrainGate } from '../../async/drain-gate.ts';
import { chunkCount, type ToolEvent } from '../../call/call-events.ts';
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
  /** What tells the run from all others of the call. */
  readonly run: number;
  readonly nodeId: string;
  readonly keepMs: number;
  /** When the call was opened, by `performance.now()` of this process. */
  readonly openedAt: number;
  /** How long it waited for this host, in milliseconds. */
  readonly waitedMs: number;
  /** Its call is no more this run's: why. */
  lost(why: 'superseded' | 'ended' | 'forgotten'): void;
  /** A hole was filled. */
  refilled(): void;
}

interface Pending {
  readonly seq: number;
  /** What was sent with it, in bytes. */
  readonly upTo: number;
  readonly entry: Entry;
  readonly events: number;
  readonly chunks: string;
  readonly status: string | null;
}

export class StreamWriter {
  readonly #options: WriterOptions;
  readonly #gate = new DrainGate();
  /** What its reader may not have, in order. */
  #kept: Pending[] = [];
  /** How many of `#kept`, from the first on, Redis has taken. */
  #taken = 0;
  /** How many behind those are under way. */
  #underWay = 0;
  #seq = 0;
  #sent = 0;
  #acknowledged = 0;
  #chunks = 0;
  #mustRewind = false;
  /** Redis does not know that the call was begun. */
  #mustRestore = false;
  /** The number of its end, once Redis has taken that. */
  #ended = 0;
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

  /** What would be written again, in bytes. */
  get keptBytes(): number {
    return this.#sent - (this.#kept[0] ? this.#kept[0].upTo - sizeOf(this.#kept[0].entry) : this.#sent);
  }

  /** What Redis has not taken. */
  get unwritten(): number {
    return this.#kept.length - this.#taken;
  }

  /** Settles when something has been read, written or lost. */
  changed(): Promise<void> {
    return this.#gate.opened();
  }

  write(event: ToolEvent): void {
    if (this.#isLost) return;
    const isEnd = event.type === 'result' || event.type === 'error';
    const durationMs = Math.round((performance.now() - this.#options.openedAt) * 1000) / 1000;
    const entry = toEntry(event, Math.max(0, durationMs), this.#options.waitedMs);
    if (event.type === 'chunks') this.#chunks = event.index + chunkCount(event);
    else if (isEnd) this.#chunks = event.chunks;
    const chunks = isEnd || event.type === 'chunks' ? String(this.#chunks) : '';
    this.#sent += sizeOf(entry);
    this.#kept.push({
      seq: ++this.#seq,
      upTo: this.#sent,
      entry,
      events: eventsIn(event),
      chunks,
      status: isEnd ? statusOf(event) : null,
    });
    this.#pump();
  }

  /** The reader has come so far. */
  acknowledged(bytes: number): void {
    if (bytes <= this.#acknowledged) return;
    this.#acknowledged = bytes;
    let read = 0;
    while (read < this.#taken && (this.#kept[read]?.upTo ?? Number.POSITIVE_INFINITY) <= bytes) read++;
    this.#kept.splice(0, read);
    this.#taken -= read;
    this.#gate.open();
  }

  /** Redis is back, and may have lost what it had taken: asks by writing the last of it again. */
  verify(): void {
    if (this.#isLost || this.#underWay > 0 || this.#taken === 0) return;
    this.#taken--;
    this.#pump();
  }

  /** Redis does not know any more that the call was begun. */
  unbegun(): void {
    if (this.#isLost || this.#underWay > 0 || this.#retry !== undefined) return; // what is under way finds out
    if (!this.#rewindTo(0)) return this.#lose('forgotten');
    this.#mustRestore = true;
    this.#goOn();
  }

  /** Nothing is written any more. */
  stop(): void {
    this.#isLost = true;
    this.#kept = [];
    this.#taken = 0;
    clearTimeout(this.#retry);
    this.#gate.open();
  }

  #pump(): void {
    if (this.#mustRewind || this.#retry !== undefined) return;
    while (this.#underWay < MOST_UNDER_WAY && this.#underWay < this.unwritten) {
      const one = this.#kept[this.#taken + this.#underWay++] as Pending;
      this.#append(one).then(
        (reply) => this.#onReply(one, reply),
        (error: unknown) => this.#onFailure(error),
      );
    }
  }

  #append({ seq, entry, events, chunks, status }: Pending): Promise<unknown> {
    const { redis, callId, epoch, keepMs, nodeId } = this.#options;
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
      nodeId,
    );
  }

  #onReply(one: Pending, reply: unknown): void {
    this.#underWay--;
    if (this.#isLost) return;
    const [code, number] = reply as [number, number];
    switch (code) {
      case 1:
      case 0:
        if (!this.#mustRewind && one === this.#kept[this.#taken]) this.#taken++;
        this.acknowledged(number);
        break;
      case -2:
        // Its own end, written again, is no end by others.
        if (one.status !== null && one.seq <= this.#ended) this.#taken = this.#kept.length;
        else return this.#lose('ended');
        break;
      case -5:
        if (!this.#rewindTo(number)) return this.#lose('forgotten');
        break;
      case -7:
        if (!this.#rewindTo(0)) return this.#lose('forgotten');
        this.#mustRestore = true;
        break;
      default:
        return this.#lose(code === -1 ? 'superseded' : 'forgotten');
    }
    if (one.status !== null && code >= 0) this.#ended = one.seq;
    this.#goOn();
  }

  /** What comes behind `seq` is written again. @returns whether all of that is here. */
  #rewindTo(seq: number): boolean {
    const first = this.#kept[0]?.seq ?? this.#seq + 1;
    if (seq < first - 1) return false;
    this.#taken = Math.min(this.#taken, seq - first + 1);
    if (!this.#mustRewind) this.#options.refilled();
    this.#mustRewind = true;
    return true;
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
      this.#retry ??= setTimeout(() => void this.#again(), afterMs);
      return;
    }
    this.#pump();
    this.#gate.open();
  }

  async #again(): Promise<void> {
    try {
      if (this.#mustRestore) await this.#restore();
      this.#mustRestore = false;
    } catch {
      // Redis has gone again; the next answer tells.
    }
    this.#retry = undefined;
    this.#pump();
  }

  async #restore(): Promise<void> {
    const { redis, callId, epoch, keepMs, nodeId, run } = this.#options;
    const { keys, commands } = redis;
    await commands.fleetRestore(keys.call(callId), keys.events(callId), nodeId, epoch, keepMs, run);
  }

  #lose(why: 'superseded' | 'ended' | 'forgotten'): void {
    this.stop();
    this.#options.lost(why);
  }
}
