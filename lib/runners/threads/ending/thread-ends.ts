/**
 * How threads are ended, and what is made of it when one is gone.
 *
 * E1. A retired thread finishes its calls and is then ended; one that was idle has none; a killed one loses its calls.
 * E2. Every thread that is gone is counted once: given back (`scaleDowns`), or made up for (`restarts`) where it had
 *     loaded; and as a crash too, where nobody had asked it to leave.
 */
import type { CrewCounts } from '../crew/crew-stats.ts';
import type { ThreadLink } from '../crew/thread-link.ts';
import { explainDeath, type ThreadDeath } from './thread-death.ts';

/** Tells what happened to a thread. */
export type SayOfThread = (kind: string, threadId: number, detail: string, isTrouble: boolean) => void;

export class ThreadEnds {
  readonly #counts: CrewCounts;
  readonly #say: SayOfThread;

  constructor(counts: CrewCounts, say: SayOfThread) {
    this.#counts = counts;
    this.#say = say;
  }

  /**
   * Ends a thread, whatever runs on it.
   * @param counts as what; a thread whose tool took too much memory has crashed, though it is we who end it.
   */
  kill(link: ThreadLink, reason: string, counts: 'kills' | 'crashes' = 'kills'): void {
    if (link.life.leaving === 'killed') return;
    link.life.leave('killed');
    this.#counts[counts]++;
    this.#say('killed', link.id, reason, true);
    link.end();
  }

  /**
   * Gives a thread no more calls, and ends it after its last; the first reason is told.
   * @param isTrouble whether something on it went wrong.
   */
  retire(link: ThreadLink, reason: string, isTrouble: boolean): void {
    if (link.life.leaving !== null) return;
    link.life.leave('retired');
    this.#say('retired', link.id, reason, isTrouble);
    this.endIfRetired(link);
  }

  endIfRetired(link: ThreadLink): void {
    if (link.life.leaving === 'retired' && link.calls === 0) link.end();
  }

  /** Ends a thread that has no calls. */
  letGo(link: ThreadLink): void {
    link.life.leave('idle');
    link.end();
  }

  /** Nothing is left of a thread. @returns what its calls died of. */
  gone(link: ThreadLink, loss: unknown): ThreadDeath {
    const { leaving, hasLoaded } = link.life;
    link.end();
    if (leaving === 'idle') this.#counts.scaleDowns++;
    else if (hasLoaded) this.#counts.restarts++;
    if (leaving === null && hasLoaded) this.#counts.crashes++;
    this.#say('ended', link.id, leaving ?? 'crashed', false);
    return explainDeath(loss, leaving === 'killed');
  }
}
