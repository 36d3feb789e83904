/**
 * A map of what only passes through: calls in flight, by the thousand a second.
 *
 * A Map of V8 leaves a table behind whenever it makes room. That table still refers to what it held, and to the table
 * that followed: once one of them has grown old, all that came after stay in memory until a full collection, and with
 * them every entry they ever had, to be copied by each collection on the way.
 *
 * T1. Tables refer to cells alone, and a deleted entry's cell is empty.
 * T2. `each` works whatever a tool has made of the iterators of its thread.
 */
import { OwnMap } from './own-collections.ts';

interface Cell<V> {
  value: V | undefined;
}

export class TransitMap<K, V extends object> {
  readonly #cells = new OwnMap<K, Cell<V>>();

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
    const list: V[] = [];
    this.each((value) => {
      list.push(value);
    });
    return list;
  }

  /** Visits what is there, oldest first. */
  each(visit: (value: V) => void): void {
    this.#cells.forEach(({ value }) => {
      if (value !== undefined) visit(value);
    });
  }

  clear(): void {
    this.#cells.forEach((_, key) => {
      this.delete(key);
    });
  }
}
