/**
 * The events of a call, the same for every transport and from every runner.
 *
 * E1. Exactly one terminal event, `result` or `error`, and it is last.
 * E2. Values travel as JSON text made where the tool runs, so that transports paste and never parse them.
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
    }
  /** Consecutive chunks as JSON text; `items[0]` has index `index`. */
  | { readonly type: 'chunks'; readonly index: number; readonly items: readonly string[] }
  | { readonly type: 'log'; readonly level: LogLevel; readonly message: string; readonly data?: string }
  /** The tool asks the client something; answer with `RunningCall.answer`. Only sent where `abilities` allow it. */
  | { readonly type: 'ask'; readonly ask: number; readonly method: AskMethod; readonly params: unknown }
  | ResultEvent
  | ErrorEvent;

export interface ResultEvent {
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
}

export interface ErrorEvent {
  readonly type: 'error';
  readonly error: ToolError;
  readonly chunks: number;
  readonly durationMs: number;
}

export type TerminalEvent = ResultEvent | ErrorEvent;
