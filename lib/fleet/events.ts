/**
 * The events of a call as the entries of its stream, and back.
 *
 * V1. An entry has a kind, a head on one line, and a text as the thread made it: what is large is never escaped.
 * V2. Both sides count its size alike, in UTF-16 units.
 */
import {
  chunkCount,
  chunkLines,
  type ResultShape,
  type TerminalEvent,
  type ToolEvent,
} from '../call/call-events.ts';
import { ToolError, type WireError } from '../call/tool-error.ts';

/** b: a host has begun it; s: started; p: progress; c: chunks; l: log; a: ask; r: result; e: error; x: an error
 * that did not come from the host, which had begun it; n: nothing any more, and never written. */
export type EntryKind = 'b' | 's' | 'p' | 'c' | 'l' | 'a' | 'r' | 'e' | 'x' | 'n';

export interface Entry {
  readonly kind: EntryKind;
  readonly head: string;
  readonly text: string;
}

/** What an entry is counted for besides its text: its place in Redis. */
const ENTRY_BYTES = 64;

export const sizeOf = ({ head, text }: Entry): number => head.length + text.length + ENTRY_BYTES;

/** @returns how long the call waited for its host, in milliseconds, where the entry says so. */
export function waitIn({ kind, head }: Entry): number | undefined {
  if (kind !== 's' && kind !== 'r') return undefined;
  const said = /\[(\d+)\]\]?$/.exec(head)?.[1];
  return said === undefined ? undefined : Number(said);
}

/** How many numbered events of the call the entry has. */
export function eventsIn(event: ToolEvent): number {
  if (event.type === 'chunks') return chunkCount(event);
  return event.type === 'progress' ? 1 : 0;
}

/**
 * @param durationMs of the whole call, for its end.
 * @param waitedMs how long it waited for its host, for what tells that it has begun.
 */
export function toEntry(event: ToolEvent, durationMs: number, waitedMs: number): Entry {
  switch (event.type) {
    case 'started':
    case 'restarted':
      return { kind: 's', head: `[${waitedMs}]`, text: '' };
    case 'progress': {
      const { progress, total, message } = event;
      return { kind: 'p', head: JSON.stringify([progress, total, message]), text: '' };
    }
    case 'chunks':
      return { kind: 'c', head: `${event.index}`, text: chunkLines(event) };
    case 'log':
      return {
        kind: 'l',
        head: JSON.stringify([event.level, event.message, event.data === undefined ? 0 : 1]),
        text: event.data ?? '',
      };
    case 'ask':
      return { kind: 'a', head: JSON.stringify([event.ask, event.method, event.params ?? null]), text: '' };
    case 'result': {
      const { data, repeats, shape, chunks, meta } = event;
      const head = [data === null ? 1 : 0, repeats ? 1 : 0, shape, chunks, meta, durationMs, [waitedMs]];
      return { kind: 'r', head: JSON.stringify(head), text: data ?? '' };
    }
    default:
      return { kind: 'e', head: errorHead(event.error, event.chunks, durationMs), text: '' };
  }
}

/** The head of an end that is an error. */
export const errorHead = (error: ToolError, chunks: number, durationMs: number): string =>
  JSON.stringify([ToolError.toWire(error), chunks, durationMs]);

/** How an end is told in lists. */
export function statusOf(end: TerminalEvent): string {
  if (end.type === 'result') return 'success';
  if (end.error.code === 'cancelled') return 'cancelled';
  return end.error.code === 'deadline_exceeded' ? 'timeout' : 'error';
}

/** @returns null for what only the fleet itself reads. */
export function fromEntry({ kind, head, text }: Entry): ToolEvent | null {
  switch (kind) {
    case 's':
      return { type: 'started' };
    case 'p': {
      const [progress, total, message] = JSON.parse(head) as [number, number | null, string];
      return { type: 'progress', progress, total, message, seq: 0 };
    }
    case 'c': {
      const items = text.split('\n');
      return { type: 'chunks', index: Number(head), items, size: text.length - items.length + 1, seq: 0 };
    }
    case 'l': {
      const [level, message, hasData] = JSON.parse(head) as [never, string, number];
      return hasData === 1 ? { type: 'log', level, message, data: text } : { type: 'log', level, message };
    }
    case 'a': {
      const [ask, method, params] = JSON.parse(head) as [number, never, unknown];
      return { type: 'ask', ask, method, params };
    }
    case 'r': {
      const [isOmitted, repeats, shape, chunks, meta, durationMs] = JSON.parse(head) as [
        number,
        number,
        ResultShape,
        number,
        string | null,
        number,
      ];
      return {
        type: 'result',
        data: isOmitted === 1 ? null : text,
        repeats: repeats === 1,
        shape,
        chunks,
        meta,
        durationMs,
      };
    }
    case 'e':
    case 'x': {
      const [wire, chunks, durationMs] = JSON.parse(head) as [WireError, number, number];
      return { type: 'error', error: ToolError.fromWire(wire), chunks, durationMs };
    }
    default:
      return null;
  }
}
