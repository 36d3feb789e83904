/**
 * Keeps a tool that floods its log from flooding the gateway: per thread 200 records a second steadily, 1 000 in a
 * burst, 8 KiB each; what is dropped is counted and said once a second.
 */
import { TokenBucket } from '../lib/async/token-bucket.ts';
import type { LogLevel } from '../lib/call/log-level.ts';
import { setTimeout } from './async-context/own-timers.ts';
import { slice, unref, wellFormed } from './intrinsics/captured.ts';

const BURST = 1000;
const PER_SECOND = 200;
const MAX_TEXT = 8 * 1024;

export type SendLog = (call: number | null, level: LogLevel, message: string, data?: string) => void;

export class LogLimit {
  readonly #send: SendLog;
  readonly #bucket = new TokenBucket(BURST, PER_SECOND);
  #dropped = 0;

  constructor(send: SendLog) {
    this.#send = send;
  }

  write(call: number | null, level: LogLevel, message: string, data?: string): void {
    if (!this.#bucket.take()) {
      if (this.#dropped++ === 0) unref(setTimeout(this.#sayDropped, 1000));
      return;
    }
    this.#send(call, level, cut(message), data === undefined ? undefined : cutJson(data));
  }

  readonly #sayDropped = (): void => {
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#send(
      null,
      'warning',
      `${dropped} log records were dropped: the thread writes more than ${PER_SECOND} a second`,
    );
  };
}

/** In the place of data that is. */
export const TOO_LARGE = '"too large to log"';

const cut = (text: string): string =>
  text.length <= MAX_TEXT ? wellFormed(text) : `${wellFormed(slice(text, 0, MAX_TEXT))}… (cut)`;
const cutJson = (json: string): string => (json.length <= MAX_TEXT ? json : TOO_LARGE);
