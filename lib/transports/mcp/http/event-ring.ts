/**
 * The last events of one session, for clients that come back with Last-Event-ID.
 *
 * R1. What is made of a call's events is not kept but made again, of the same events that the call's history keeps:
 *     nothing is kept twice.
 * R2. Bounded in bytes and in number: the oldest go first, one larger than the ring is not kept.
 * R3. An event id names its stream; a client gets back only what followed on that stream. What it says behind a `~` is
 *     for other gateways.
 */

import type { Again } from '../outlet.ts';

interface RingEvent {
  readonly id: string;
  readonly stream: string;
  readonly seq: number;
  readonly write: Again;
  readonly size: number;
}

const MAX_EVENTS = 512;
const MAX_CHARACTERS = 512 * 1024;

export class EventRing {
  readonly #events: RingEvent[] = [];
  #size = 0;
  #seq = 0;

  /**
   * Keeps an event of a stream.
   * @param again what makes its text once more; absent: the text is kept.
   * @param elsewhere what its id is to say besides.
   * @returns its id.
   */
  keep(stream: string, text: string, again: Again = () => text, elsewhere = ''): string {
    const seq = ++this.#seq;
    const id = `${stream}_${seq}${elsewhere}`;
    const size = text.length;
    if (size <= MAX_CHARACTERS) {
      this.#events.push({ id, stream, seq, write: again, size });
      this.#size += size;
    }
    while (this.#size > MAX_CHARACTERS || this.#events.length > MAX_EVENTS) {
      this.#size -= this.#events.shift()?.size ?? 0;
    }
    return id;
  }

  /** Id, stream and sequence number of an event id; null when it is none of ours. */
  read(eventId: string): { readonly stream: string; readonly seq: number } | null {
    const [, stream, digits] = /^([a-z]+\d*|[\w-]+\.r\d+)_(\d{1,15})(?:~.*)?$/.exec(eventId) ?? [];
    const seq = Number(digits);
    return stream === undefined || seq > this.#seq ? null : { stream, seq };
  }

  /** What followed on a stream. */
  after(stream: string, seq: number): readonly { readonly id: string; readonly text: string }[] {
    return this.#events
      .filter((event) => event.stream === stream && event.seq > seq)
      .map((event) => ({ id: event.id, text: event.write() }));
  }
}
