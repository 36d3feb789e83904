/**
 * Tells a stuck thread from a busy one, by a ping a second.
 *
 * L1. A thread that is silent with an exclusive call running on it is busy, until that call's deadline kills it.
 * L2. One that is silent for 5 s with shared calls only, or none, is stuck: nothing else would ever end it. So is one
 *     whose exclusive call has not started: what an earlier call left behind blocks it.
 * L3. When the gateway itself was held up (its own tick is late) nobody is judged by that silence. Nor is a thread for
 *     the time that it was ready to run and got no processor: it is not stuck, the machine is full, and to kill it would
 *     cost innocent calls.
 */
import type { ThreadLink } from './thread-link.ts';

const TICK_MS = 1000;
const STUCK_MS = 5000;

export interface LivenessListener {
  stuck(link: ThreadLink): void;
  /** Once a second, after the judging. */
  tick(): void;
}

/** What tells whether a thread is stuck. */
export type Pinged = Pick<ThreadLink, 'heardAt' | 'starvedMs'>;

/** Which threads have been silent for too long, for reasons of their own (L2, L3). */
export class Silences {
  /** Of a silent thread: since when, and for how long it had got no processor in its life by the first look. */
  readonly #first = new WeakMap<Pinged, { readonly heardAt: number; readonly starvedMs: number }>();

  /** Looks at a thread, once a tick. @returns whether it is stuck. */
  isStuck(thread: Pinged, now: number): boolean {
    const silentMs = now - thread.heardAt;
    if (silentMs <= TICK_MS) return false; // asks nothing of the system for a healthy one
    const { heardAt } = thread;
    let first = this.#first.get(thread);
    if (first?.heardAt !== heardAt) {
      first = { heardAt, starvedMs: thread.starvedMs() };
      this.#first.set(thread, first);
    }
    return silentMs > STUCK_MS && silentMs - (thread.starvedMs() - first.starvedMs) > STUCK_MS;
  }
}

export class Liveness {
  readonly #timer: NodeJS.Timeout;
  readonly #silences = new Silences();
  #tickedAt = performance.now();

  constructor(links: ReadonlyMap<number, ThreadLink>, listener: LivenessListener) {
    this.#timer = setInterval(() => {
      const now = performance.now();
      const wasHeldUp = now - this.#tickedAt > 2 * TICK_MS;
      this.#tickedAt = now;
      for (const link of links.values()) {
        if (wasHeldUp || !link.life.hasLoaded || link.runsExclusive) link.heardAt = now;
        if (this.#silences.isStuck(link, now)) listener.stuck(link);
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
