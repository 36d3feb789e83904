/**
 * Rates that hold for all gateways of a fleet together, counted in Redis.
 *
 * R1. A call is counted against all its limits, or, where one of them is used up, against none.
 * R2. While Redis does not answer, each gateway counts for itself, by its share of the limit.
 */
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { ToolError } from '../../call/tool-error.ts';
import type { RateLimit } from '../../runners/runner.ts';
import type { FleetRedis } from '../redis/fleet-redis.ts';

/** Counts uses of a name. */
export interface Limiter {
  /** Rejects with a RateLimiterRes where there are too many. */
  consume(name: string): Promise<unknown>;
}

const MOST_LIMITERS = 256;

export class SharedRates {
  readonly #redis: FleetRedis;
  /** How many gateways there are. */
  readonly #gateways: () => number;
  /** By what they count and how many. */
  readonly #limiters = new Map<string, RateLimiterRedis>();

  constructor(redis: FleetRedis, gateways: () => number) {
    this.#redis = redis;
    this.#gateways = gateways;
  }

  /** @param seconds the window. */
  limiter(subject: string, points: number, seconds: number): RateLimiterRedis {
    const share = Math.max(1, Math.ceil(points / Math.max(1, this.#gateways())));
    const id = `${subject} ${points} ${seconds} ${share}`;
    const known = this.#limiters.get(id);
    if (known) return known;
    if (this.#limiters.size >= MOST_LIMITERS) this.#limiters.clear();
    const limiter = new RateLimiterRedis({
      storeClient: this.#redis.commands,
      keyPrefix: `${this.#redis.keys.prefix}:rl:${subject}`,
      points,
      duration: seconds,
      rejectIfRedisNotReady: true,
      insuranceLimiter: new RateLimiterMemory({ points: share, duration: seconds }),
    });
    this.#limiters.set(id, limiter);
    return limiter;
  }

  /** Counts a call. @returns what it is refused with. */
  async take(limits: readonly RateLimit[]): Promise<ToolError | undefined> {
    const taken: { readonly limiter: RateLimiterRedis; readonly name: string }[] = [];
    for (const { subject, name, calls } of limits) {
      const limiter = this.limiter(subject, calls, 1);
      try {
        await limiter.consume(name);
        taken.push({ limiter, name });
      } catch (refusal) {
        if (!(refusal instanceof RateLimiterRes)) throw refusal;
        for (const one of taken) one.limiter.reward(one.name).catch(() => undefined);
        const text = `more than ${calls} calls a second ${subject === 'key' ? 'with this key' : 'of this tool'}`;
        return new ToolError('rate_limited', text, { retryAfterMs: Math.max(1, refusal.msBeforeNext) });
      }
    }
    return undefined;
  }
}
