/**
 * Server-Sent Events as they come, piece by piece.
 *
 * E1. An event that is longer than the limit is told as such and left out; those after it are read as ever.
 */

export interface ServerEvent {
  readonly type: string;
  readonly data: string;
}

export interface EventListener {
  event(event: ServerEvent): void;
  tooLong(ends: { readonly head: string; readonly tail: string }): void;
  /** The id to go on from, and how long to wait before that, in milliseconds. */
  id(id: string): void;
  retry(ms: number): void;
}

const SHOWN = 256;

export class EventReader {
  readonly #maxBytes: number;
  readonly #listener: EventListener;
  #rest: Buffer[] = [];
  #type = '';
  #data: string[] = [];
  #size = 0;
  #head = '';
  #tail = '';
  #isTooLong = false;
  #wasTooLong = false;

  constructor(maxBytes: number, listener: EventListener) {
    this.#maxBytes = maxBytes;
    this.#listener = listener;
  }

  push(bytes: Buffer): void {
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      this.#add(bytes.subarray(start, end));
      const line = Buffer.concat(this.#rest).toString();
      this.#rest = [];
      const isCut = this.#isTooLong && !this.#wasTooLong;
      this.#wasTooLong = this.#isTooLong;
      // What is left of a line that was cut is no line, least of all an empty one.
      if (!isCut) this.#line(line.endsWith('\r') ? line.slice(0, -1) : line);
      start = end + 1;
    }
    if (start < bytes.length) this.#add(bytes.subarray(start));
  }

  #add(part: Buffer): void {
    this.#size += part.length;
    if (this.#size <= this.#maxBytes) {
      this.#rest.push(part);
      return;
    }
    if (!this.#isTooLong) {
      this.#isTooLong = true;
      this.#head = (
        this.#data[0] ??
        Buffer.concat(this.#rest)
          .toString()
          .replace(/^data: ?/, '')
      ).slice(0, SHOWN);
    }
    this.#rest = [];
    this.#tail = (this.#tail + part.subarray(-SHOWN).toString()).slice(-SHOWN);
  }

  #line(line: string): void {
    if (line === '') return this.#dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#type = value;
    else if (field === 'id' && !value.includes('\0')) this.#listener.id(value);
    else if (field === 'retry' && /^\d+$/.test(value)) this.#listener.retry(Number(value));
  }

  #dispatch(): void {
    const [type, data, isTooLong, head, tail] = [
      this.#type,
      this.#data,
      this.#isTooLong,
      this.#head,
      this.#tail,
    ];
    this.#type = '';
    this.#data = [];
    this.#size = 0;
    this.#isTooLong = false;
    this.#wasTooLong = false;
    this.#tail = '';
    if (isTooLong) this.#listener.tooLong({ head, tail });
    else if (data.length > 0)
      this.#listener.event({ type: type === '' ? 'message' : type, data: data.join('\n') });
  }
}
