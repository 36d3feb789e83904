/**
 * Things that all live equally long, oldest first: one timer for all of them.
 *
 * Q1. A node that leaves refers to none that followed: V8 keeps alive what old garbage refers to.
 * Q2. Expiry may be late by a twentieth of the time, a second at most, so that many ends are one turn of the timer.
 */
interface Node<T> {
  readonly item: T;
  readonly dueAt: number;
  next: Node<T> | null;
}

export class ExpiryQueue<T extends object> {
  readonly #ttlMs: number;
  readonly #onExpired: (item: T) => void;
  #oldest: Node<T> | null = null;
  #newest: Node<T> | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** @param onExpired called once with each thing whose time is over. */
  constructor(ttlMs: number, onExpired: (item: T) => void) {
    this.#ttlMs = ttlMs;
    this.#onExpired = onExpired;
  }

  add(item: T): void {
    const node: Node<T> = { item, dueAt: performance.now() + this.#ttlMs, next: null };
    if (this.#newest) this.#newest.next = node;
    else this.#oldest = node;
    this.#newest = node;
    this.#timer ??= setTimeout(this.#expire, this.#ttlMs).unref();
  }

  /** Takes the oldest thing out before its time. */
  takeOldest(): T | undefined {
    const node = this.#oldest;
    if (!node) return undefined;
    this.#oldest = node.next;
    node.next = null;
    if (!this.#oldest) this.#newest = null;
    return node.item;
  }

  /** Forgets everything, and stops the timer. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.takeOldest());
  }

  readonly #expire = (): void => {
    const now = performance.now();
    while (this.#oldest && this.#oldest.dueAt <= now) {
      const item = this.takeOldest();
      if (item) this.#onExpired(item);
    }
    const next = this.#oldest;
    const waitMs = next ? Math.max(next.dueAt - now, Math.min(1000, this.#ttlMs / 20)) : 0;
    this.#timer = next ? setTimeout(this.#expire, waitMs).unref() : undefined;
  };
}
