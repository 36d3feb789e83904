/**
 * Calls that are run again after a crash: of tools that say that this does no harm, while the caller has seen nothing.
 *
 * R1. What is tried again here has run, and its thread died. A call whose thread died before it ran is none of this: the
 *     pool gives it to another thread whatever its tool (lib/runners/threads/ending/lost-calls.ts).
 * R2. A crash that would be repeated must not become a storm: retries are at most a tenth of the calls that might be
 *     retried, of the last ten seconds; a quiet gateway may retry five all the same.
 * R3. The wait grows from one retry to the next, and is jittered: calls that crashed together do not come back together.
 * R4. A retry that could not begin before the deadline is none: the caller gets the crash, which says more.
 */
import type { ToolDescriptor } from '../../call/catalog.ts';

const SHARE = 0.1;
const LEAST = 5;
const SECONDS = 10;
const FIRST_WAIT_MS = 100;
const MOST_WAIT_MS = 2000;

/** Whether running the tool twice does no harm. */
export const isRepeatable = ({ annotations }: ToolDescriptor): boolean =>
  annotations?.readOnlyHint === true || annotations?.idempotentHint === true;

/** Calls and retries of one second. */
interface Second {
  at: number;
  calls: number;
  retries: number;
}

export class Retries {
  readonly #most: number;
  readonly #now: () => number;
  readonly #seconds: Second[] = Array.from({ length: SECONDS }, () => ({ at: -1, calls: 0, retries: 0 }));

  /** @param most for one call. @param now a clock in milliseconds. */
  constructor(most: number, now: () => number = () => performance.now()) {
    this.#most = most;
    this.#now = now;
  }

  /** A call begins that might be retried. */
  called(): void {
    this.#second().calls++;
  }

  /**
   * Asks for one more; it counts then.
   * @param retries how many the call has had. @param leftMs until its deadline.
   * @returns how long to wait before it; null: there is none.
   */
  take(retries: number, leftMs: number): number | null {
    const wait = Math.min(MOST_WAIT_MS, FIRST_WAIT_MS * 2 ** retries) * (0.5 + Math.random() / 2);
    if (retries >= this.#most || wait >= leftMs || !this.#isInBudget()) return null;
    this.#second().retries++;
    return wait;
  }

  #isInBudget(): boolean {
    const oldest = Math.floor(this.#now() / 1000) - SECONDS;
    let calls = 0;
    let retries = 0;
    for (const second of this.#seconds) {
      if (second.at <= oldest) continue;
      calls += second.calls;
      retries += second.retries;
    }
    return retries < Math.max(LEAST, Math.floor(calls * SHARE));
  }

  #second(): Second {
    const at = Math.floor(this.#now() / 1000);
    const second = this.#seconds[at % SECONDS] as Second;
    if (second.at !== at) Object.assign(second, { at, calls: 0, retries: 0 });
    return second;
  }
}
