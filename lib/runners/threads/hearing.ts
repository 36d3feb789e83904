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
const TICK_MS = 10;
/** For so long after it was asked for it is kept up: a thread that was given something then may be silent by the next time. */
const KEPT_MS = 60;

export class Hearing {
  #upTo = performance.now();
  #isListening = false;
  #askedAt = 0;
  #timer: NodeJS.Timeout | null = null;

  /**
   * @param now by `performance.now()`, as what is returned. @returns a moment by which everything that threads have posted has
   * been read: a few milliseconds behind `now`, more where the gateway was busy, or was not asked for a while.
   */
  upTo(now: number): number {
    this.#askedAt = now;
    if (now - this.#upTo > FRESH_MS) this.#listen();
    this.#timer ??= setTimeout(this.#onTick, TICK_MS).unref();
    return this.#upTo;
  }

  readonly #onTick = (): void => {
    this.#listen();
    const isKept = performance.now() - this.#askedAt < KEPT_MS;
    this.#timer = isKept ? setTimeout(this.#onTick, TICK_MS).unref() : null;
  };

  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    setImmediate(this.#onTurn);
  }

  readonly #onTurn = (): void => {
    const began = performance.now();
    setImmediate(() => {
      this.#upTo = began; // E1
      this.#isListening = false;
    });
  };
}
