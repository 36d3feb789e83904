/**
 * The last events of one session, for clients that come back with Last-Event-ID.
 *
 * R1. Bounded in bytes and in number: the oldest go first, one larger than the ring is not kept.
 * R2. An event id names its stream; a client gets back only what followed on that stream.
 */

interface RingEvent {
  readonly stream: string;
  readonly seq: number;
  readonly text: string;
}

const MAX_EVENTS = 512;
const MAX_CHARACTERS = 512 * 1024;

export class EventRing {
  readonly #events: RingEvent[] = [];
  #size = 0;
  #seq = 0;

  /** Keeps an event of a stream. @returns its id. */
  keep(stream: string, text: string): string {
    const seq = ++this.#seq;
    if (text.length <= MAX_CHARACTERS) {
      this.#events.push({ stream, seq, text });
      this.#size += text.length;
    }
    while (this.#size > MAX_CHARACTERS || this.#events.length > MAX_EVENTS) {
      this.#size -= this.#events.shift()?.text.length ?? 0;
    }
    return `${stream}_${seq}`;
  }

  /** Id, stream and sequence number of an event id; null when it is none of ours. */
  read(eventId: string): { readonly stream: string; readonly seq: number } | null {
    const [, stream, digits] = /^([a-z]+\d*)_(\d{1,15})$/.exec(eventId) ?? [];
    const seq = Number(digits);
    return stream === undefined || seq > this.#seq ? null : { stream, seq };
  }

  /** What followed on a stream. */
  after(stream: string, seq: number): readonly { readonly id: string; readonly text: string }[] {
    return this.#events
      .filter((event) => event.stream === stream && event.seq > seq)
      .map((event) => ({ id: `${stream}_${event.seq}`, text: event.text }));
  }
}
