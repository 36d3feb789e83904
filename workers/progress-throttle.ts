/**
 * Thins a call's progress reports to what a wire should carry.
 *
 * P1. Values grow: a report that does not exceed the last one is dropped.
 * P2. At most 20 in any second (a bucket of 5, refilled 15 times a second), so that a tool that reports ten times
 *     a second loses none even when the clock jitters; above that the latest wins.
 * P3. The last report is always sent before the end (`flush`).
 */
import { TokenBucket } from '../lib/async/token-bucket.ts';
import { clearTimeout, setTimeout } from './async-context/own-timers.ts';
import { isFiniteNumber, toText } from './intrinsics/captured.ts';

const BURST = 5;
const PER_SECOND = 15;

export type SendProgress = (progress: number, total: number | null, message: string) => void;

export class ProgressThrottle {
  readonly #send: SendProgress;
  readonly #bucket = new TokenBucket(BURST, PER_SECOND);
  #last = -Infinity;
  #held: { progress: number; total: number | null; message: string } | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(send: SendProgress) {
    this.#send = send;
  }

  /** @throws {TypeError} when a number is not finite. */
  report(progress: number, total: number | null = null, message = ''): void {
    if (!isFiniteNumber(progress))
      throw new TypeError(`progress must be a finite number, not ${toText(progress)}`);
    if (total !== null && !isFiniteNumber(total)) {
      throw new TypeError(`a progress total must be a finite number, not ${toText(total)}`);
    }
    if (progress <= this.#last) return;
    this.#last = progress;
    if (this.#bucket.take()) {
      this.#held = null;
      this.#send(progress, total, toText(message));
      return;
    }
    this.#held = { progress, total, message: toText(message) };
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.flush();
    }, 1000 / PER_SECOND);
  }

  /** Sends what is held back. */
  flush(): void {
    const held = this.#held;
    if (!held) return;
    this.#held = null;
    this.#bucket.owe();
    this.#send(held.progress, held.total, held.message);
  }

  /** Stops the timer; call at the end, after `flush`. */
  close(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
