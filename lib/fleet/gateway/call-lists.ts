/**
 * Which calls an API key has, for gateways that do not have them.
 *
 * L1. A call that is kept is there from its beginning. One that is not, and is over within a second as a rule, is listed
 *     after a second, and no more once it has ended: most calls never are.
 * L2. What is older than any call can be goes, so that a list does not grow with what nobody asks for.
 */
import type { FleetRedis } from '../redis/fleet-redis.ts';
import type { FleetCall } from './fleet-call.ts';

const LISTED_AFTER_MS = 1000;
/** How often a list is tidied up. */
const TIDY_MS = 60_000;

export class CallLists {
  readonly #redis: FleetRedis;
  readonly #longestMs: number;
  /** When each list is to be tidied up next, by `performance.now()`. */
  readonly #tidyAt = new Map<string, number>();
  readonly #listed = new WeakSet<FleetCall>();

  /** @param longestMs how long anything is known of a call. */
  constructor(redis: FleetRedis, longestMs: number) {
    this.#redis = redis;
    this.#longestMs = longestMs;
  }

  /** Lists the call where it is time to. */
  look(call: FleetCall): void {
    const { callId, request } = call;
    const { keep, kind = 'tool', caller, madeAt = Date.now() } = request;
    const isDue = keep !== undefined || performance.now() - call.createdAt > LISTED_AFTER_MS;
    if (kind !== 'tool' || !isDue || this.#listed.has(call)) return;
    this.#listed.add(call);
    const { commands, keys } = this.#redis;
    const list = keys.callsOf(caller.keyId);
    commands.zadd(list, madeAt, callId).catch(() => undefined);
    if (performance.now() < (this.#tidyAt.get(list) ?? 0)) return;
    this.#tidyAt.set(list, performance.now() + TIDY_MS);
    commands.zremrangebyscore(list, '-inf', Date.now() - this.#longestMs).catch(() => undefined);
    commands.pexpire(list, this.#longestMs + TIDY_MS).catch(() => undefined);
  }

  /** It has ended, and is not kept. */
  remove(call: FleetCall): void {
    if (!this.#listed.delete(call)) return;
    const { commands, keys } = this.#redis;
    commands.zrem(keys.callsOf(call.request.caller.keyId), call.callId).catch(() => undefined);
  }
}
