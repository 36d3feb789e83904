/** A thread that is no longer fit for more calls says so, once; those that it has go on. */
import type { Outbox } from './outbox.ts';

export class Retirement {
  readonly #outbox: Outbox;
  #isSaid = false;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  /** Whether no more calls are to begin. */
  get hasBegun(): boolean {
    return this.#isSaid;
  }

  /** From here on the thread gets no more calls. */
  begin(reason: string): void {
    if (this.#isSaid) return;
    this.#isSaid = true;
    this.#outbox.post({ type: 'retiring', reason });
  }
}
