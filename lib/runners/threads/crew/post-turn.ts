/**
 * What one turn of the event loop posts to the threads of a crew, together.
 *
 * N1. It leaves when the turn ends, or as soon as one thread's message is full: then to all of them. A turn may take a second
 *     and more: while a thousand sockets are ready, libuv looks at them up to 48 times before it lets the turn end.
 */

/** Whatever waits for the end of the turn. */
export interface Waiting {
  /** Lets it leave now. */
  flush(): void;
}

export class PostTurn {
  readonly #waiting = new Set<Waiting>();
  #isScheduled = false;

  /** Its flush is called once, at the latest at the end of the turn. */
  add(waiting: Waiting): void {
    this.#waiting.add(waiting);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#onTurnEnd);
  }

  readonly #onTurnEnd = (): void => {
    this.#isScheduled = false;
    this.flush();
  };

  /** Lets all leave now. */
  flush(): void {
    for (const waiting of this.#waiting) waiting.flush();
    this.#waiting.clear();
  }
}
