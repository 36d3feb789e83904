/**
 * The responses of a JSON-RPC batch (revision 2025-03-26 only) on one HTTP exchange: a stream that ends with the last
 * of them.
 */
import type { Outlet } from '../outlet.ts';

export class BatchReply {
  readonly #whole: Outlet;
  #open: number;

  /** @param size how many requests the batch has. */
  constructor(whole: Outlet, size: number) {
    this.#whole = whole;
    this.#open = size;
  }

  /** The outlet of one request of the batch. */
  outlet(): Outlet {
    const whole = this.#whole;
    let isOpen = true;
    /** True once, and of the last one only. */
    const isLast = () => --this.#open === 0;
    return {
      named: () => {},
      open: () => whole.open(),
      send: (text, again) => whole.send(text, again),
      ready: () => whole.ready(),
      respond: (text, _fault, again) => {
        if (!isOpen) return;
        isOpen = false;
        if (isLast()) whole.respond(text, undefined, again);
        else whole.send(text, again);
      },
      abandon: () => {
        if (!isOpen) return;
        isOpen = false;
        if (isLast()) whole.abandon();
      },
    };
  }
}
