/**
 * What calls log and print, and what is said of them, on its way to the gateway: no more than somebody wants, no more
 * than the gateway bears (log-limit).
 */
import { LOG_RANK, type LogLevel } from '../lib/call/log-level.ts';
import type { CallTask } from '../lib/runners/threads/port/frames.ts';
import { toText } from './intrinsics/captured.ts';
import { freeText } from './json-text.ts';
import { LogLimit, TOO_LARGE } from './log-limit.ts';
import type { Outbox } from './outbox.ts';

/** The run that logs; undefined outside any. */
type Author = { readonly task: CallTask } | undefined;

export class ThreadLog {
  readonly #threshold: number;
  readonly #limit: LogLimit;

  /** @param level the least that the gateway's log keeps. */
  constructor(outbox: Outbox, level: LogLevel) {
    this.#threshold = LOG_RANK[level];
    this.#limit = new LogLimit((call, recordLevel, message, data) =>
      outbox.post({
        type: 'log',
        call,
        level: recordLevel,
        message,
        ...(data === undefined ? {} : { data }),
      }),
    );
  }

  write(run: Author, level: LogLevel, message: string, data?: unknown): void {
    if (!this.#isWanted(run, level)) return;
    const json = freeText(data);
    this.#limit.write(run?.task.call ?? null, level, toText(message), json === null ? TOO_LARGE : json);
  }

  /** Writes an error, whatever level is wanted. */
  writeError(run: Author, message: string): void {
    this.#limit.write(run?.task.call ?? null, 'error', message);
  }

  #isWanted(run: Author, level: LogLevel): boolean {
    const wanted = run?.task.logLevel;
    return (
      LOG_RANK[level] >= this.#threshold || (wanted !== undefined && LOG_RANK[level] >= LOG_RANK[wanted])
    );
  }
}
