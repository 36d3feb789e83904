/**
 * Tells a thread that fails calls from calls that fail: what an earlier call left behind may break the machinery of its
 * thread without anybody noticing, and a thread that fails at once looks like the least busy of all.
 *
 * O1. A call counts against its thread when it failed, by no fault of its caller's, before its tool began. Three in a
 *     row are no chance, and the thread is given up; any call whose tool ran speaks for it.
 * O2. A tool whose own schema throws looks the same on every thread. So threads are given up this way eight at once at
 *     most, and one in ten seconds after that.
 */
import { TokenBucket } from '../../../async/token-bucket.ts';
import type { ErrorCode } from '../../../call/error-code.ts';
import type { ThreadFrame } from '../port/frames.ts';

const IN_A_ROW = 3;
const BURST = 8;
const PER_SECOND = 0.1;

/** What a broken thread fails with; callers' own faults, such as `invalid_arguments`, say nothing of it. */
const FAULTS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['internal', 'tool_failed', 'worker_crashed']);

type LastFrame = Extract<ThreadFrame, { readonly type: 'result' | 'error' }>;

export class FailureStreak {
  #length = 0;

  /** A call has ended on the thread. @returns whether as many in a row have failed as make it an outlier. */
  add(frame: LastFrame): boolean {
    if (frame.ranMs !== null) this.#length = 0;
    else if (frame.type === 'error' && FAULTS.has(frame.error.code)) this.#length++;
    return this.#length >= IN_A_ROW;
  }
}

/** How many threads may be given up (O2). */
export class Ejections {
  readonly #bucket = new TokenBucket(BURST, PER_SECOND);

  /** @returns whether one more may be now; it counts then. */
  take(): boolean {
    return this.#bucket.take();
  }
}
