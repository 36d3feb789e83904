/**
 * Calls that need not wait are offered to a host by a message, without a queue: a third of the way of a small call, and
 * of what it costs Redis.
 *
 * O1. An offer is no promise: a host that has no room, or has calls in its queue that came first, gives it to the queue;
 *     where nobody hears it, or nothing comes of it, its gateway does. Whether it runs is decided when it is begun.
 * O2. A gateway offers a host no more than what that takes at a time, and nothing for a while where an offer was lost.
 */
import type { HostPlace } from '../routes.ts';

export class DirectOffers {
  readonly #doubtMs: number;
  /** What is in hand of what was offered, by host and lane. */
  readonly #inHand = new Map<string, number>();
  /** Until when a host gets none, by `performance.now()`. */
  readonly #doubted = new Map<string, number>();

  /** @param doubtMs how long a host gets none after one was lost. */
  constructor(doubtMs: number) {
    this.#doubtMs = doubtMs;
  }

  /** The host that has most room, which is taken; `give` gives it back. */
  take(hosts: readonly HostPlace[]): HostPlace | undefined {
    const now = performance.now();
    let best: HostPlace | undefined;
    let least = 1;
    for (const place of hosts) {
      const load = (this.#inHand.get(place.key) ?? 0) / place.capacity;
      if (load >= least || (this.#doubted.get(place.hostId) ?? 0) > now) continue;
      least = load;
      best = place;
    }
    if (best) this.#inHand.set(best.key, (this.#inHand.get(best.key) ?? 0) + 1);
    return best;
  }

  give({ key }: HostPlace): void {
    const left = (this.#inHand.get(key) ?? 0) - 1;
    if (left > 0) this.#inHand.set(key, left);
    else this.#inHand.delete(key);
  }

  /** An offer to that host was lost. */
  doubt({ hostId }: HostPlace): void {
    const now = performance.now();
    for (const [known, until] of this.#doubted) if (until < now) this.#doubted.delete(known);
    this.#doubted.set(hostId, now + this.#doubtMs);
  }
}
