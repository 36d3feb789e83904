/**
 * The newest events of one call: numbered as they come, found by number, dropped oldest first.
 *
 * E1. The events themselves are kept, no copy and no rendering: one batch of chunks is one entry, however many it has.
 *     Only one that another call has numbered, since both share a run, becomes an event of this call's own.
 * E2. An event that its reader lacks is never dropped, nor is the newest.
 * E3. Of a batch that is no more the newest, its one text is kept and not its items, where it came as one: a thousand
 *     texts that outlive their writing cost the garbage collector as much as it costs to send them.
 */
import { chunkCount, chunkSize, type ToolEvent } from '../../call/call-events.ts';
import { LineBatch } from '../../call/line-batch.ts';

export type KeptEvent = Extract<ToolEvent, { type: 'progress' | 'chunks' | 'restarted' }>;

/** What an event is counted for besides its text: what its lines of a stream are, and about what it takes in memory. */
const EVENT_BYTES = 64;
/** Entries that may be left behind before the list is made anew. */
const SLACK = 64;
/**
 * In the place of an event that is dropped: a list that has been left behind would hold it, and what it leads to, until
 * the garbage collector looks at all that is old.
 */
const DROPPED: KeptEvent = { type: 'chunks', index: 0, items: [] };

export class KeptEvents {
  #events: KeptEvent[] = [];
  /** Where the oldest is. */
  #head = 0;
  #bytes = 0;
  #last: number;
  #dropped: number;

  /** @param before the number of the last event that is no longer to be had; 0: all are. */
  constructor(before = 0) {
    this.#last = before;
    this.#dropped = before;
  }

  /** The number of the newest event; 0: there was none. */
  get last(): number {
    return this.#last;
  }

  /** The number of the newest event that is no longer kept; 0: all are. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes an event in, and gives it its number. @returns for how many bytes it counts. */
  push(told: KeptEvent): number {
    const event = numbered(told, this.#last + 1);
    this.#last += eventsIn(event);
    this.#packNewest();
    this.#events.push(event);
    const bytes = bytesOf(event);
    this.#bytes += bytes;
    return bytes;
  }

  /**
   * Drops the oldest events while there is more than `limit`.
   * @param seen the number of the last event that the call's reader has.
   * @returns how many bytes that freed.
   */
  trim(limit: number, seen: number): number {
    if (this.#bytes <= limit) return 0;
    const before = this.#bytes;
    while (this.#bytes > limit && this.#head < this.#events.length - 1) {
      const oldest = this.#events[this.#head] as KeptEvent;
      const last = (oldest.seq ?? 0) + eventsIn(oldest) - 1;
      if (last > seen) break;
      this.#events[this.#head++] = DROPPED;
      this.#bytes -= bytesOf(oldest);
      this.#dropped = last;
    }
    if (this.#head > SLACK && this.#head * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    return before - this.#bytes;
  }

  /** E3 */
  #packNewest(): void {
    const at = this.#events.length - 1;
    const newest = this.#events[at];
    if (newest instanceof LineBatch) this.#events[at] = newest.fresh();
  }

  /** What follows the event with this number: an event as it came, or the rest of a batch; undefined: nothing yet. */
  after(seq: number): KeptEvent | undefined {
    if (seq >= this.#last) return undefined;
    const at = this.#indexAfter(seq);
    const kept = this.#events[at] as KeptEvent;
    const event = kept instanceof LineBatch && at < this.#events.length - 1 ? kept.fresh() : kept;
    const first = event.seq ?? 0;
    if (event.type !== 'chunks' || first > seq) return event;
    const skipped = seq + 1 - first;
    const items = event.items.slice(skipped);
    return { type: 'chunks', index: event.index + skipped, items, seq: seq + 1 };
  }

  /** The bytes of the events that follow a number; a batch counts as a whole. */
  bytesAfter(seq: number): number {
    if (seq >= this.#last) return 0;
    let bytes = 0;
    for (let at = this.#indexAfter(seq); at < this.#events.length; at++)
      bytes += bytesOf(this.#events[at] as KeptEvent);
    return bytes;
  }

  /** Where the event with the number `seq + 1` is; readers at the end, which most are, find it at once. */
  #indexAfter(seq: number): number {
    let low = this.#head;
    let high = this.#events.length - 1;
    if ((this.#events[high]?.seq ?? 0) <= seq + 1) return high;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#events[middle]?.seq ?? 0) <= seq + 1) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** The event with its number. */
export function numbered<E extends { seq?: number }>(event: E, seq: number): E {
  if (event.seq) {
    if (event.seq === seq) return event;
    return event instanceof LineBatch ? (event.fresh(seq) as LineBatch & E) : { ...event, seq };
  }
  event.seq = seq;
  return event;
}

/** How many numbers an event takes. */
const eventsIn = (event: KeptEvent): number => (event.type === 'chunks' ? chunkCount(event) : 1);

function bytesOf(event: KeptEvent): number {
  if (event.type === 'restarted') return EVENT_BYTES;
  if (event.type === 'progress') return event.message.length + EVENT_BYTES;
  return chunkSize(event) + (chunkCount(event) + 1) * EVENT_BYTES;
}
