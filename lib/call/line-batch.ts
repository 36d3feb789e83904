/**
 * A batch of chunks as it comes from a thread: one text, a line for each. Its items are made when they are first asked
 * for, since who passes the text on as it is needs none: a thousand texts cost about as much to make as to send. A copy by
 * spreading has no items; as JSON it is the event that it stands for.
 */
export class LineBatch {
  readonly type = 'chunks';
  /** Of the first chunk. */
  readonly index: number;
  /** How many chunks there are. */
  readonly count: number;
  /** Each chunk as JSON text without line ends, joined by them. */
  readonly lines: string;
  seq = 0;
  #items: readonly string[] | undefined;

  constructor(index: number, count: number, lines: string) {
    this.index = index;
    this.count = count;
    this.lines = lines;
  }

  get items(): readonly string[] {
    this.#items ??= this.count === 1 ? [this.lines] : this.lines.split('\n');
    return this.#items;
  }

  /** Characters of all chunks. */
  get size(): number {
    return this.lines.length - this.count + 1;
  }

  toJSON(): object {
    const { type, index, items, seq } = this;
    return { type, index, items, seq };
  }

  /** The same batch, whose items nobody has asked for. */
  fresh(seq = this.seq): LineBatch {
    const batch = new LineBatch(this.index, this.count, this.lines);
    batch.seq = seq;
    return batch;
  }
}
