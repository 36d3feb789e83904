/**
 * Where writers wait for a reader that is behind. It knows neither reader nor socket: its owner shuts it by asking
 * for `opened()` and opens it when the reader caught up, or left.
 *
 * D1. All who wait share one promise, and go on together.
 */
export class DrainGate {
  #opened: Promise<void> | undefined;
  #resolve: (() => void) | undefined;

  /** Settles at the next `open()`. Ask only while the reader is behind. */
  opened(): Promise<void> {
    this.#opened ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
    return this.#opened;
  }

  /** The reader caught up, or left: lets go on whoever waits. */
  open(): void {
    this.#resolve?.();
    this.#resolve = undefined;
    this.#opened = undefined;
  }
}
