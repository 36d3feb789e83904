/**
 * Whether a thread is still fit to serve a caller after another: one call must not poison it for others.
 *
 * W1. One caller alone costs nothing: nothing is looked at until a second one comes. What that caller's own calls have
 *     changed, its later calls may meet.
 * W2. A call that finds the thread without others, and is of another caller than what ran since the last look, begins
 *     after a look; so does every call that exclusive use passes to another caller.
 * W3. Beside others, where callers alternate by the thousand, looks take 5 % of the time at most; and while several
 *     callers use the thread it is looked at every 100 ms.
 * W4. What has changed is told once, with the tool where only one can have done it. From then on no call begins here.
 */
import { TokenBucket } from '../../lib/async/token-bucket.ts';

/** What is known of a call that arrives. */
interface Arrival {
  readonly name: string;
  readonly caller: { readonly keyId: string };
}

export interface WatchHost {
  /** @returns the name of a built-in that has changed, or null. */
  look(): string | null;
  /** The keys of the calls that run. */
  eachKey(visit: (keyId: string) => void): void;
  /** Calls `step` once, in so many milliseconds. */
  later(step: () => void, ms: number): void;
  /** A second caller has come. */
  becameMixed(): void;
  /** The thread is spoilt. */
  spoilt(reason: string): void;
}

const EVERY_MS = 100;

/** Looks beside other calls: a burst, and 5 % of the time after that. */
const BURST = 50;
const LOOKS_PER_SECOND = 125;

/** More than one. */
const SEVERAL = Symbol('several');

export class CallerWatch {
  readonly #host: WatchHost;
  readonly #bucket = new TokenBucket(BURST, LOOKS_PER_SECOND);
  /** Whose calls have run since the last look. */
  #keys: string | typeof SEVERAL | null = null;
  /** Which tools have run since the last look. */
  #tools: string | typeof SEVERAL | null = null;
  #isMixed = false;
  #isWatching = false;
  #isSpoilt = false;

  constructor(host: WatchHost) {
    this.#host = host;
  }

  /**
   * A call is about to begin.
   * @param isAlone whether no other call runs.
   * @returns false where it must not begin on this thread.
   */
  admits({ name, caller: { keyId } }: Arrival, isAlone: boolean): boolean {
    if (this.#keys !== null && this.#keys !== keyId) {
      if (!this.#isMixed) this.#host.becameMixed();
      this.#isMixed = true;
      if (!this.#isSpoilt && (isAlone || this.#bucket.take())) this.#look();
    }
    if (this.#isSpoilt) return false;
    this.#keys = joined(this.#keys, keyId);
    this.#tools = joined(this.#tools, name);
    if (this.#isMixed && !this.#isWatching) this.#watch();
    return true;
  }

  /** The thread has been found to be changed, by whoever looked. */
  spoil(change: string): void {
    if (this.#isSpoilt) return;
    this.#isSpoilt = true;
    const by = typeof this.#tools === 'string' ? ` of "${this.#tools}"` : '';
    this.#host.spoilt(`a call${by} changed ${change}`);
  }

  #look(): void {
    const change = this.#host.look();
    if (change !== null) return this.spoil(change);
    this.#keys = null;
    this.#tools = null;
    // What runs on may do so yet.
    this.#host.eachKey((keyId) => {
      this.#keys = joined(this.#keys, keyId);
      this.#tools = SEVERAL;
    });
  }

  #watch(): void {
    this.#isWatching = true;
    this.#host.later(this.#onTime, EVERY_MS);
  }

  readonly #onTime = (): void => {
    this.#isWatching = false;
    if (this.#isSpoilt || this.#keys === null) return;
    this.#look();
    if (!this.#isSpoilt) this.#watch();
  };
}

const joined = (known: string | typeof SEVERAL | null, one: string): string | typeof SEVERAL =>
  known === null || known === one ? one : SEVERAL;
