/**
 * One built-in object as it should be, and what has become of it.
 *
 * P1. Its prototype, whether it can be extended, its keys, and each value and getter by identity are compared at every
 *     look; setters and flags, and whether a value has become a getter, where the look is a thorough one.
 */
import {
  apply,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  hasOwn,
  is,
  isExtensible,
  lookupGetter,
  ownKeys,
  toText,
} from './captured.ts';
import { isHarmless } from './harmless.ts';

/** What is known of a property. */
type Kind = 'value' | 'accessor' | 'key';

export class Part {
  readonly path: string;
  readonly #object: object;
  readonly #prototype: object | null;
  readonly #isExtensible: boolean;
  readonly #keys: readonly PropertyKey[];
  /** How many keys there are: those of the norm, and harmless ones that have come since. */
  #keyCount: number;
  readonly #kinds: Kind[] = [];
  /** The value or the getter. */
  readonly #values: unknown[] = [];
  readonly #flags: number[] = [];
  /** There where one of the properties has a setter. */
  #setters: unknown[] | undefined;

  /** @param isKeyOnly of which properties only the presence counts; these are not read. */
  constructor(path: string, object: object, isKeyOnly: (key: PropertyKey) => boolean) {
    this.path = path;
    this.#object = object;
    this.#prototype = getPrototypeOf(object);
    this.#isExtensible = isExtensible(object);
    this.#keys = ownKeys(object);
    this.#keyCount = this.#keys.length;
    // Of their length from the start: a list that grows has room for 17 from the first on, and most objects have few keys.
    this.#kinds.length = this.#keyCount;
    this.#values.length = this.#keyCount;
    this.#flags.length = this.#keyCount;
    for (let at = 0; at < this.#keyCount; at++) {
      const key = this.#keys[at] as PropertyKey;
      this.#note(at, key, isKeyOnly(key));
    }
  }

  #note(at: number, key: PropertyKey, isKeyOnly: boolean): void {
    const descriptor = isKeyOnly ? undefined : getOwnPropertyDescriptor(this.#object, key);
    const isValue = descriptor !== undefined && 'value' in descriptor;
    this.#kinds[at] = descriptor === undefined ? 'key' : isValue ? 'value' : 'accessor';
    this.#values[at] = isValue ? descriptor.value : descriptor?.get;
    if (this.#setters || descriptor?.set) {
      this.#setters ??= [];
      this.#setters[at] = descriptor?.set;
    }
    this.#flags[at] = flagsOf(descriptor);
  }

  /** From now on the value of this property counts too. */
  noteValueOf(key: PropertyKey): void {
    const at = this.#keys.indexOf(key);
    if (at >= 0) this.#note(at, key, false);
  }

  #nameOf(key: PropertyKey): string {
    return this.path === 'globalThis' ? toText(key) : `${this.path}.${toText(key)}`;
  }

  /** What its properties, and its prototype, lead to. */
  forEachReached(visit: (name: string, reached: unknown) => void): void {
    for (const [at, key] of this.#keys.entries()) {
      const name = this.#nameOf(key);
      visit(name, this.#values[at]);
      visit(`${name} (its setter)`, this.#setters?.[at]);
    }
    visit(this.#nameOf('__proto__'), this.#prototype);
  }

  /** @returns the name of something that has changed, or null. */
  changed(isThorough: boolean): string | null {
    const object = this.#object as Record<PropertyKey, unknown>;
    if (getPrototypeOf(object) !== this.#prototype) return `the prototype of ${this.path}`;
    if (isExtensible(object) !== this.#isExtensible) return `${this.path}, which cannot be extended now`;
    const keys = this.#keys;
    const now = ownKeys(object);
    if (now.length !== this.#keyCount) {
      const odd = this.#oddOf(now, keys) ?? this.#oddOf(keys, now);
      if (odd !== null) return odd;
      this.#keyCount = now.length;
    }
    const kinds = this.#kinds;
    const values = this.#values;
    for (let at = 0; at < kinds.length; at++) {
      const kind = kinds[at];
      if (kind === 'key') continue;
      const key = keys[at] as PropertyKey;
      const value = values[at];
      const isSame = isThorough
        ? this.#isWhole(at, key)
        : kind === 'value'
          ? object[key] === value || is(object[key], value)
          : lookupGetter(object, key) === value;
      if (isSame || this.#isMade(at, key)) continue;
      const name = this.#nameOf(key);
      if (!isHarmless(name, getOwnPropertyDescriptor(object, key))) return name;
    }
    return null;
  }

  /** Whether a lazy getter has put the value in its place that it gives. */
  #isMade(at: number, key: PropertyKey): boolean {
    const getter = this.#values[at];
    if (this.#kinds[at] !== 'accessor' || typeof getter !== 'function') return false;
    const now = getOwnPropertyDescriptor(this.#object, key);
    if (now === undefined || !hasOwn(now, 'value') || apply(getter, this.#object, []) !== now.value)
      return false;
    this.#note(at, key, false);
    return true;
  }

  #isWhole(at: number, key: PropertyKey): boolean {
    const now = getOwnPropertyDescriptor(this.#object, key);
    const value = this.#kinds[at] === 'value' ? now?.value : now?.get;
    return (
      is(value, this.#values[at]) && now?.set === this.#setters?.[at] && flagsOf(now) === this.#flags[at]
    );
  }

  /** The first of `some` that is not among `others` and matters. */
  #oddOf(some: readonly PropertyKey[], others: readonly PropertyKey[]): string | null {
    for (let at = 0; at < some.length; at++) {
      const key = some[at] as PropertyKey;
      let isOdd = true;
      for (let other = 0; isOdd && other < others.length; other++) isOdd = others[other] !== key;
      const name = this.#nameOf(key);
      if (isOdd && !isHarmless(name, getOwnPropertyDescriptor(this.#object, key))) return name;
    }
    return null;
  }
}

const flagsOf = (descriptor: PropertyDescriptor | undefined): number =>
  descriptor === undefined
    ? -1
    : (descriptor.writable ? 4 : 0) + (descriptor.enumerable ? 2 : 0) + (descriptor.configurable ? 1 : 0);
