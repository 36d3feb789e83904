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
 * W5. Where exclusive calls have to do with it, nothing that runs on is passed to another caller with the thread. What
 *     ends by itself in a moment (a file that is being closed, a connection) has that moment.
 */
import { TokenBucket } from '../../lib/async/token-bucket.ts';
import { now } from './captured.ts';

/** What is known of a call that arrives. */
interface Arrival {
  readonly name: string;
  readonly isExclusive: boolean;
  readonly caller: { readonly keyId: string };
}

/** What a call has left, in words, and whether it is not going to end by itself. */
interface Left {
  readonly what: string;
  readonly isLasting: boolean;
}

export interface WatchHost {
  /** @returns what a call has done to built-ins, or null. */
  look(): string | null;
  /**
   * What calls have left that runs on; asked when none runs.
   * @param trustsConnections whether connections are none of it.
   * @returns null where there is nothing.
   */
  left(trustsConnections: boolean): Left | null;
  /** The thread passes to another caller. */
  handedOver(): void;
  /** The keys of the calls that run. */
  eachKey(visit: (keyId: string) => void): void;
  /** Calls `step` once, in so many milliseconds. */
  later(step: () => void, ms: number): void;
  /** A second caller has come. */
  becameMixed(): void;
  /** The thread is spoilt. */
  spoilt(reason: string): void;
}

/**
 * Whether a call may begin: yes; no, and none will be on this thread any more; or not yet, and it is to be asked again.
 */
export type Admission = 'yes' | 'no' | 'not yet';

const EVERY_MS = 100;

/** What calls have left may take so long to end, and is asked for so often: a machine under load has slow moments. */
const ENDING_MS = 25;
const ENDING_ASKS = 10;

/** Looks beside other calls: a burst, and 5 % of the time after that. */
const BURST = 50;
const LOOKS_PER_SECOND = 125;

/** More than one. */
const SEVERAL = Symbol('several');
type OneOrMore = string | typeof SEVERAL | null;

export class CallerWatch {
  readonly #host: WatchHost;
  readonly #bucket = new TokenBucket(BURST, LOOKS_PER_SECOND);
  /** Whose calls have run since the last look, and of which tools. */
  #keys: OneOrMore = null;
  #tools: OneOrMore = null;
  /** The same since the thread was handed over, with nothing that could run on. */
  #tenants: OneOrMore = null;
  #toolsOfTenants: OneOrMore = null;
  #isMixed = false;
  #isWatching = false;
  #isSpoilt = false;
  /** Whether any of the tenants' calls was an exclusive one. */
  #hadExclusive = false;
  /** Since when what has been left is waited for; null: it is not. */
  #leftSince: number | null = null;
  /** How often it has been asked for. */
  #asks = 0;

  constructor(host: WatchHost) {
    this.#host = host;
  }

  /**
   * A call is about to begin.
   * @param isAlone whether no other call runs.
   */
  admits({ name, isExclusive, caller: { keyId } }: Arrival, isAlone: boolean): Admission {
    const before = isAlone ? this.#tenants : this.#keys;
    if (before !== null && before !== keyId) {
      if (!this.#isMixed) this.#host.becameMixed();
      this.#isMixed = true;
      if (!this.#isSpoilt && isAlone && !this.#handsOver(isExclusive)) return 'not yet';
      if (!this.#isSpoilt && !isAlone && this.#bucket.take()) this.#look();
    }
    if (this.#isSpoilt) return 'no';
    this.#leftSince = null;
    this.#asks = 0;
    this.#keys = joined(this.#keys, keyId);
    this.#tools = joined(this.#tools, name);
    this.#tenants = joined(this.#tenants, keyId);
    this.#toolsOfTenants = joined(this.#toolsOfTenants, name);
    this.#hadExclusive ||= isExclusive;
    if (this.#isMixed && !this.#isWatching) this.#watch();
    return 'yes';
  }

  /** The thread has been found to be changed, by whoever looked. @param how what a call did, for the log. */
  spoil(how: string): void {
    if (this.#isSpoilt) return;
    this.#isSpoilt = true;
    const tools = this.#tools ?? this.#toolsOfTenants;
    const by = typeof tools === 'string' ? ` of "${tools}"` : '';
    this.#host.spoilt(`a call${by} ${how}`);
  }

  /** @returns false where what calls have left has its moment to end (W5). */
  #handsOver(isExclusive: boolean): boolean {
    this.#look();
    if (this.#isSpoilt) return true;
    const isLooked = isExclusive || this.#hadExclusive;
    const left = isLooked ? this.#host.left(!this.#hadExclusive) : null;
    if (left !== null) {
      const at = now();
      this.#leftSince ??= at;
      const isPatient = ++this.#asks < ENDING_ASKS || at - this.#leftSince < ENDING_MS;
      if (!left.isLasting && isPatient) return false;
      this.spoil(`left ${left.what} behind`);
      return true;
    }
    this.#tenants = null;
    this.#toolsOfTenants = null;
    this.#hadExclusive = false;
    this.#host.handedOver();
    return true;
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

const joined = (known: OneOrMore, one: string): OneOrMore =>
  known === null || known === one ? one : SEVERAL;
