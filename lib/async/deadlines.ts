/**
 * What has to end in time: one timer for all that may take equally long, not one each, of which nearly none ever fires.
 *
 * D1. As exact as a timer each: never early, and as late as the event loop is.
 * D2. What has none waiting has no timer, and nothing is kept for it: how long something may take is often a caller's choice.
 * D3. Who is told of one is told in the context of whoever made the deadlines: its own would be that of the first of many.
 * D4. One that leaves refers to none that stay: V8 keeps alive what old garbage refers to.
 * D5. One whose end throws keeps no other from its own.
 */
import { AsyncResource } from 'node:async_hooks';

/** All that may take equally long, the oldest first. */
interface Line<T> {
  readonly ms: number;
  oldest: Deadline<T> | null;
  newest: Deadline<T> | null;
  timer: NodeJS.Timeout;
}

/** For whoever has set it, to clear it. */
export interface Deadline<T> {
  readonly item: T;
  readonly dueAt: number;
  readonly line: Line<T>;
  isSet: boolean;
  older: Deadline<T> | null;
  newer: Deadline<T> | null;
}

export class Deadlines<T> {
  readonly #lines = new Map<number, Line<T>>();
  readonly #missed: (item: T, ms: number) => void;

  /** @param missed told once of each item whose time is over, and of how much it had. What it throws keeps no other waiting (D5). */
  constructor(missed: (item: T, ms: number) => void) {
    this.#missed = missed;
  }

  /** @param ms how long from now; any number that a timer takes. */
  set(item: T, ms: number): Deadline<T> {
    const line = this.#lines.get(ms) ?? this.#newLine(ms);
    const older = line.newest;
    const deadline: Deadline<T> = {
      item,
      dueAt: performance.now() + ms,
      line,
      isSet: true,
      older,
      newer: null,
    };
    if (older) older.newer = deadline;
    else line.oldest = deadline;
    line.newest = deadline;
    return deadline;
  }

  /** Nothing happens where it is cleared already, or was missed. */
  clear(deadline: Deadline<T>): void {
    if (!deadline.isSet) return;
    deadline.isSet = false;
    const { line, older, newer } = deadline;
    if (older) older.newer = newer;
    else line.oldest = newer;
    if (newer) newer.older = older;
    else line.newest = older;
    deadline.older = null;
    deadline.newer = null;
    if (line.oldest === null) {
      clearTimeout(line.timer);
      this.#lines.delete(line.ms);
    }
  }

  #newLine(ms: number): Line<T> {
    const timer = setTimeout(() => this.#look(line), ms);
    const line: Line<T> = { ms, oldest: null, newest: null, timer };
    this.#lines.set(ms, line);
    return line;
  }

  /** D3 */
  readonly #look = AsyncResource.bind((line: Line<T>): void => {
    const now = performance.now();
    // Those that are set anew meanwhile are not due.
    try {
      for (let next = line.oldest; next && next.dueAt <= now; next = line.oldest) {
        this.clear(next);
        this.#missed(next.item, line.ms);
      }
    } finally {
      if (line.oldest) line.timer = setTimeout(() => this.#look(line), Math.ceil(line.oldest.dueAt - now));
    }
  });
}
