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
    this.#link.standsBy = true;
    this.#behind = behind;
  }

  /** Ends it if it stands by for `behind`. */
  dismissFor(behind: ThreadLink): void {
    if (this.#behind !== behind) return;
    this.#link?.leave('idle');
    this.#link?.end();
    this.#forget();
  }

  /** From now on it is a thread like any other. */
  callIn(): void {
    if (this.#link) this.#link.standsBy = false;
    this.#forget();
  }

  #forget(): void {
    this.#link = null;
    this.#behind = null;
  }
}
