/**
 * A map of what only passes through: calls in flight, by the thousand a second.
 *
 * A Map of V8 leaves a table behind whenever it makes room. That table still refers to what it held, and to the table
 * that followed: once one of them has grown old, all that came after stay in memory until a full collection, and with
 * them every entry they ever had, to be copied by each collection on the way.
 *
 * T1. Tables refer to cells alone, and a deleted entry's cell is empty.
 */
interface Cell<V> {
  value: V | undefined;
}

export class TransitMap<K, V extends object> {
  readonly #cells = new Map<K, Cell<V>>();

  get size(): number {
    return this.#cells.size;
  }

  has(key: K): boolean {
    return this.#cells.has(key);
  }

  get(key: K): V | undefined {
    return this.#cells.get(key)?.value;
  }

  set(key: K, value: V): void {
    const cell = this.#cells.get(key);
    if (cell) cell.value = value;
    else this.#cells.set(key, { value });
  }

  delete(key: K): boolean {
    const cell = this.#cells.get(key);
    if (cell) cell.value = undefined;
    return this.#cells.delete(key);
  }

  /** A list of what is there now, oldest first. */
  values(): V[] {
    return [...this.#cells.values()].map(({ value }) => value as V);
  }

  clear(): void {
    for (const key of this.#cells.keys()) this.delete(key);
  }
}
