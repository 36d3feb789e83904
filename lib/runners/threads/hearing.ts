/**
 * Up to when the gateway has heard its threads.
 *
 * A gateway that was busy, or had no processor for a while, finds that no thread has said anything meanwhile: it has not
 * read what they said. So the silence of a thread is not counted up to now, but up to a moment of which everything is in.
 *
 * E1. What was posted when a turn of the event loop began has been read when that turn ends.
 */

/** More exactly than so nobody needs to know it, and a turn that is busy has other things to do. */
const FRESH_MS = 2;

export class Hearing {
  #upTo = performance.now();
  #isListening = false;

  /**
   * @param now by `performance.now()`, as what is returned. @returns a moment by which everything that threads have posted has
   * been read: not far behind `now` where this is asked often, else where it is asked again in a moment.
   */
  upTo(now: number): number {
    if (now - this.#upTo > FRESH_MS && !this.#isListening) {
      this.#isListening = true;
      setImmediate(this.#onTurn);
    }
    return this.#upTo;
  }

  readonly #onTurn = (): void => {
    const began = performance.now();
    setImmediate(() => {
      this.#upTo = began; // E1
      this.#isListening = false;
    });
  };
}
