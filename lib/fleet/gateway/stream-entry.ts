/** Entries of a call's stream as a gateway hears or fetches them, and their places in it. */
import type { Entry, EntryKind } from '../events.ts';

/** A place in a stream: the run of the call, and the number in it. */
export interface StreamPlace {
  readonly epoch: number;
  readonly seq: number;
}

/** An entry with its id, as it was heard or fetched. */
export interface StreamEntry extends Entry {
  readonly id: string;
  /** Of a beginning or an end: the id before it; of others: what tells their run from all others of the call. */
  readonly before: string;
}

export function placeOf(id: string): StreamPlace {
  const dash = id.indexOf('-');
  return { epoch: Number(id.slice(0, dash)), seq: Number(id.slice(dash + 1)) };
}

export const isBehind = (one: StreamPlace, other: StreamPlace): boolean =>
  one.epoch < other.epoch || (one.epoch === other.epoch && one.seq < other.seq);

export const streamEntry = (
  id: string,
  kind: string,
  before: string,
  head: string,
  text: string,
): StreamEntry => ({ id, kind: kind as EntryKind, before, head, text });

/** An entry as Redis gives it. */
export function entryOf(id: string, fields: readonly string[]): StreamEntry {
  const field = (name: string): string => {
    const at = fields.findIndex((one, index) => index % 2 === 0 && one === name);
    return at < 0 ? '' : (fields[at + 1] ?? '');
  };
  return streamEntry(id, field('k'), field('p'), field('h'), field('d'));
}
