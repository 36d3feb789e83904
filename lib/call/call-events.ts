/**
 * The events of a call, the same for every transport and from every runner.
 *
 * E1. Exactly one terminal event, `result` or `error`, and it is last.
 * E2. Values travel as JSON text made where the tool runs, so that transports paste and never parse them.
 * E3. The events of a call that is kept have numbers (`seq`), the same for every reader: 0 is its start, then each
 *     progress and each chunk has one, n in all, the result or error is n + 1, and n + 2 the event that closes a stream.
 *     Whoever keeps the call sets them, before anybody reads the event; other calls have none.
 */
import type { LogLevel } from './log-level.ts';
import type { ToolError } from './tool-error.ts';

/** What a tool may ask the client during a call. */
export type AskMethod = 'elicit' | 'sample' | 'roots';

/** The shape of a returned value, which decides how MCP presents it. */
export type ResultShape = 'object' | 'content' | 'other';

export type ToolEvent =
  /** The tool runs. Told to those who want to see more than the end. */
  | { readonly type: 'started' }
  | {
      readonly type: 'progress';
      readonly progress: number;
      readonly total: number | null;
      readonly message: string;
      seq?: number;
    }
  /** Its host was lost, and another runs it again: chunks begin at 0, what came before is void. */
  | { readonly type: 'restarted'; readonly attempt: number; seq?: number }
  /** Consecutive chunks as JSON text; `items[0]` has index `index`, and its number is `seq`. */
  | {
      readonly type: 'chunks';
      readonly index: number;
      /** Of a LineBatch they are made when asked for: whoever wants no more than their number asks `chunkCount`. */
      readonly items: readonly string[];
      /** How many items there are, where that is known without them. */
      readonly count?: number;
      /** Characters of all items, where that is known. */
      readonly size?: number;
      /** The items as lines of one text, where they came so; none of them has a line end then. */
      readonly lines?: string;
      seq?: number;
    }
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly data?: string;
      /** JSON text of the record as an MCP server wrote it: `{level, logger?, data}`. */
      readonly relayed?: string;
    }
  /** The tool asks the client something; answer with `RunningCall.answer`. Only sent where `abilities` allow it. */
  | { readonly type: 'ask'; readonly ask: number; readonly method: AskMethod; readonly params: unknown }
  | ResultEvent
  | ErrorEvent;

/** What readers who come back, or are replaced, are told besides (E3). */
interface ReadEnd {
  seq?: number;
  /** True: its reader has seen this event, and lacks only what closes the stream. */
  readonly isSeen?: boolean;
}

export interface ResultEvent extends ReadEnd {
  readonly type: 'result';
  /** JSON text; null when the repeat of the chunks was left out. */
  readonly data: string | null;
  /** True when `data` is, or would have been, the list of chunks: the tool returned nothing of its own. */
  readonly repeats: boolean;
  readonly shape: ResultShape;
  readonly chunks: number;
  /** JSON text of an object, or null. */
  readonly meta: string | null;
  readonly durationMs: number;
  /** JSON text of the MCP result that an MCP server gave, `_meta` apart; MCP clients get that, and all others `data`. */
  readonly relayed?: string;
}

export interface ErrorEvent extends ReadEnd {
  readonly type: 'error';
  /** True: the end of this reading and not of the call, which a newer reader has taken over. */
  readonly isMoved?: boolean;
  /** True as well: no reader has it, and this one is to come back for it elsewhere, since the gateway is going. */
  readonly isAway?: boolean;
  readonly error: ToolError;
  readonly chunks: number;
  readonly durationMs: number;
  /** JSON text of the `isError` result that an MCP server gave; MCP clients get that. */
  readonly relayed?: string;
}

export type TerminalEvent = ResultEvent | ErrorEvent;

type ChunksEvent = Extract<ToolEvent, { type: 'chunks' }>;

/** How many chunks an event has. */
export const chunkCount = (event: ChunksEvent): number => event.count ?? event.items.length;

/** Characters of all chunks of an event. */
export function chunkSize(event: ChunksEvent): number {
  if (event.size !== undefined) return event.size;
  let sum = 0;
  for (const item of event.items) sum += item.length;
  return sum;
}

/** All chunks of an event as lines of one text. Line ends within a chunk, which mean nothing in JSON, become spaces. */
export const chunkLines = (event: ChunksEvent): string =>
  event.lines ?? event.items.map((item) => item.replace(/[\r\n]+/g, ' ')).join('\n');
