/**
 * The one thread above the maximum: started while another is about to be killed, since starting takes longer than most
 * calls.
 *
 * S1. It stands by, without calls, until the thread before it is lost, or goes when that one turns out to be alive.
 */
import type { ThreadLink } from '../crew/thread-link.ts';

export class Successor {
  #link: ThreadLink | null = null;
  #behind: ThreadLink | null = null;

  /** How many threads stand by. */
  get count(): 0 | 1 {
    return this.#link ? 1 : 0;
  }

  /** Starts it, unless there is one. */
  prepare(behind: ThreadLink, start: () => ThreadLink): void {
    if (this.#link) return;
    this.#link = start();
    this.#link.life.standBy();
    this.#behind = behind;
  }

  /** @returns the thread that stands by for `behind` and is not needed: it is to be let go. */
  dismissFor(behind: ThreadLink): ThreadLink | null {
    if (this.#behind !== behind) return null;
    const link = this.#link;
    this.#forget();
    return link;
  }

  /** From now on it is a thread like any other. */
  callIn(): void {
    this.#link?.life.callIn();
    this.#forget();
  }

  /** A thread is gone; it may be the one that stood by. */
  gone(link: ThreadLink): void {
    if (this.#link === link) this.#forget();
  }

  #forget(): void {
    this.#link = null;
    this.#behind = null;
  }
}
