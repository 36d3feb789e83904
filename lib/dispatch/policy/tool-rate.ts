/**
 * How many calls of one tool each key may make a second.
 *
 * T1. A key that has made none for a while may make a second's worth at once.
 * T2. Bounded: a key whose bucket is full again is forgotten.
 */
import { TokenBucket } from '../../async/token-bucket.ts';
import { ToolError } from '../../call/tool-error.ts';

/** So many keys are kept before those are looked for that may be forgotten. */
const KEYS = 1000;

export class ToolRate {
  /** Calls a second. */
  readonly perSecond: number;
  readonly #tool: string;
  readonly #buckets = new Map<string, TokenBucket>();
  #mostKeys = KEYS;

  constructor(tool: string, perSecond: number) {
    this.#tool = tool;
    this.perSecond = perSecond;
  }

  /** Counts a call. @returns the error of one that is too many, which does not count. */
  refusal(keyId: string): ToolError | undefined {
    const bucket = this.#bucketOf(keyId);
    if (bucket.take()) return undefined;
    const retryAfterMs = Math.max(1, Math.ceil(bucket.msUntilNext()));
    const text = `more than ${this.perSecond} calls a second of ${JSON.stringify(this.#tool)} with this key`;
    return new ToolError('rate_limited', text, { retryAfterMs });
  }

  #bucketOf(keyId: string): TokenBucket {
    const known = this.#buckets.get(keyId);
    if (known) return known;
    if (this.#buckets.size >= this.#mostKeys) this.#forgetFull();
    const bucket = new TokenBucket(Math.max(1, Math.ceil(this.perSecond)), this.perSecond);
    this.#buckets.set(keyId, bucket);
    return bucket;
  }

  #forgetFull(): void {
    for (const [keyId, bucket] of this.#buckets) if (bucket.isFull()) this.#buckets.delete(keyId);
    this.#mostKeys = Math.max(KEYS, 2 * this.#buckets.size);
  }
}
