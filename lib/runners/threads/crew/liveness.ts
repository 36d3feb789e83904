/**
 * Tells a stuck thread from a busy one, by a ping a second.
 *
 * L1. A thread that is silent with an exclusive call running on it is busy, until that call's deadline kills it.
 * L2. One that is silent for 5 s with shared calls only, or none, is stuck: nothing else would ever end it. So is one
 *     whose exclusive call has not started: what an earlier call left behind blocks it.
 * L3. When the gateway itself was held up (its own tick is late) nobody is judged by that silence.
 */
import type { ThreadLink } from './thread-link.ts';

const TICK_MS = 1000;
const STUCK_MS = 5000;

export interface LivenessListener {
  stuck(link: ThreadLink): void;
  /** Once a second, after the judging. */
  tick(): void;
}

export class Liveness {
  readonly #timer: NodeJS.Timeout;
  #tickedAt = performance.now();

  constructor(links: ReadonlyMap<number, ThreadLink>, listener: LivenessListener) {
    this.#timer = setInterval(() => {
      const now = performance.now();
      const wasHeldUp = now - this.#tickedAt > 2 * TICK_MS;
      this.#tickedAt = now;
      for (const link of links.values()) {
        if (wasHeldUp || !link.life.hasLoaded || link.runsExclusive) link.heardAt = now;
        if (now - link.heardAt > STUCK_MS) listener.stuck(link);
        else link.post({ type: 'ping' });
      }
      listener.tick();
    }, TICK_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
