/**
 * One built-in object as it should be, and what has become of it.
 *
 * P1. Its prototype, whether it can be extended, its keys, and each value and getter by identity are compared at every
 *     look; setters and flags, and whether a value has become a getter, where the look is a thorough one.
 * P2. Of the ten thousand properties of a thread as little is kept as can be: they lie one after the other in the lists of a
 *     Properties that many objects have in common, and what an object is called is put together when somebody asks.
 */
import { OwnMap } from '../../lib/async/own-collections.ts';
import {
  apply,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  hasOwn,
  is,
  isExtensible,
  lookupGetter,
  ownKeys,
  ownList,
  setPrototypeOf,
  toText,
} from './captured.ts';
import { isHarmless } from './harmless.ts';

const NativeArray = Array;
const NativeBytes = Uint8Array;

/** Bits of what is known of a property: its flags, and whether it is an accessor, or nothing but there. */
const WRITABLE = 1;
const ENUMERABLE = 2;
const CONFIGURABLE = 4;
const ACCESSOR = 8;
const KEY_ONLY = 16;

/** The properties of some objects, one after the other. */
export class Properties {
  keys: PropertyKey[] = ownList();
  /** The value or the getter. */
  values: unknown[] = ownList();
  facts: Uint8Array | number[] = ownList();
  /** By place, where there is one. */
  readonly setters = new OwnMap<number, unknown>();

  /** Says that no more objects come: lists that grow have room for half as much again. */
  close(): void {
    this.keys = exactly(this.keys, new NativeArray(this.keys.length));
    this.values = exactly(this.values, new NativeArray(this.values.length));
    this.facts = exactly(this.facts, new NativeBytes(this.facts.length));
  }
}

function exactly<List extends { [at: number]: unknown }>(from: ArrayLike<unknown>, to: List): List {
  // Without what a tool may have put on the prototype; bytes need none.
  const list = to instanceof NativeBytes ? to : (setPrototypeOf(to, null) as List);
  for (let at = 0; at < from.length; at++) list[at as keyof List] = from[at] as List[keyof List];
  return list;
}

/** What an object is called: as the property of another, or by a name of its own. */
export interface Called {
  readonly parent: Called | null;
  readonly name: PropertyKey;
}

/** @returns what it is called from the global object on. */
export function pathOf({ parent, name }: Called): string {
  const before = parent === null ? 'globalThis' : pathOf(parent);
  return before === 'globalThis' ? toText(name) : `${before}.${toText(name)}`;
}

/** Is told of an object, and what it is called. */
export type Reach = (parent: Called | null, name: PropertyKey, object: object) => void;

export class Part implements Called {
  readonly parent: Called | null;
  readonly name: PropertyKey;
  readonly #object: object;
  readonly #prototype: object | null;
  readonly #isExtensible: boolean;
  readonly #properties: Properties;
  /** Where its own begin in the lists, and end. */
  readonly #start: number;
  readonly #end: number;
  /** How many keys there are: those of the norm, and harmless ones that have come since. */
  #keyCount: number;

  /** @param isKeyOnly of which properties only the presence counts; these are not read. */
  constructor(
    { parent, name }: Called,
    object: object,
    properties: Properties,
    isKeyOnly: (key: PropertyKey) => boolean,
  ) {
    this.parent = parent;
    this.name = name;
    this.#object = object;
    this.#prototype = getPrototypeOf(object);
    this.#isExtensible = isExtensible(object);
    this.#properties = properties;
    this.#start = properties.keys.length;
    const keys = ownKeys(object);
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at] as PropertyKey;
      properties.keys[this.#start + at] = key;
      this.#note(this.#start + at, key, isKeyOnly(key));
    }
    this.#end = properties.keys.length;
    this.#keyCount = keys.length;
  }

  #note(at: number, key: PropertyKey, isKeyOnly: boolean): void {
    const { values, facts, setters } = this.#properties;
    const descriptor = isKeyOnly ? undefined : getOwnPropertyDescriptor(this.#object, key);
    values[at] = descriptor !== undefined && hasOwn(descriptor, 'value') ? descriptor.value : descriptor?.get;
    facts[at] = factsOf(descriptor);
    if (descriptor?.set) setters.set(at, descriptor.set);
    else if (setters.size > 0) setters.delete(at);
  }

  /** From now on the value of this property counts too. */
  noteValueOf(key: PropertyKey): void {
    const { keys } = this.#properties;
    for (let at = this.#start; at < this.#end; at++) if (keys[at] === key) this.#note(at, key, false);
  }

  /** What one of its properties is called. */
  #nameOf(name: PropertyKey): string {
    return pathOf({ parent: this, name });
  }

  /** What its properties, and its prototype, lead to. */
  forEachReached(reach: Reach): void {
    const { keys, values, setters } = this.#properties;
    for (let at = this.#start; at < this.#end; at++) {
      const name = keys[at] as PropertyKey;
      const value = values[at];
      if (isObject(value)) reach(this, name, value);
      const setter = setters.get(at);
      if (isObject(setter)) reach(this, `${toText(name)} (its setter)`, setter);
    }
    if (this.#prototype !== null) reach(this, '__proto__', this.#prototype);
  }

  /** @returns the name of something that has changed, or null. */
  changed(isThorough: boolean): string | null {
    const object = this.#object as Record<PropertyKey, unknown>;
    if (getPrototypeOf(object) !== this.#prototype) return `the prototype of ${pathOf(this)}`;
    if (isExtensible(object) !== this.#isExtensible) return `${pathOf(this)}, which cannot be extended now`;
    const now = ownKeys(object);
    if (now.length !== this.#keyCount) {
      const odd = this.#odd(now);
      if (odd !== null) return odd;
      this.#keyCount = now.length;
    }
    const { keys, values, facts } = this.#properties;
    for (let at = this.#start; at < this.#end; at++) {
      const fact = facts[at] as number;
      if (fact === KEY_ONLY) continue;
      const key = keys[at] as PropertyKey;
      const value = values[at];
      const isSame = isThorough
        ? this.#isWhole(at, key)
        : fact < ACCESSOR
          ? object[key] === value || is(object[key], value)
          : lookupGetter(object, key) === value;
      if (isSame || this.#isMade(at, key)) continue;
      if (!this.#isHarmless(key)) return this.#nameOf(key);
    }
    return null;
  }

  #isHarmless(key: PropertyKey): boolean {
    return isHarmless(this.#nameOf(key), getOwnPropertyDescriptor(this.#object, key));
  }

  /** Whether a lazy getter has put the value in its place that it gives. */
  #isMade(at: number, key: PropertyKey): boolean {
    const { values, facts } = this.#properties;
    const getter = values[at];
    if ((facts[at] as number) < ACCESSOR || typeof getter !== 'function') return false;
    const now = getOwnPropertyDescriptor(this.#object, key);
    if (now === undefined || !hasOwn(now, 'value') || apply(getter, this.#object, []) !== now.value)
      return false;
    this.#note(at, key, false);
    return true;
  }

  #isWhole(at: number, key: PropertyKey): boolean {
    const { values, facts, setters } = this.#properties;
    const now = getOwnPropertyDescriptor(this.#object, key);
    const value = (facts[at] as number) < ACCESSOR ? now?.value : now?.get;
    return is(value, values[at]) && now?.set === setters.get(at) && factsOf(now) === facts[at];
  }

  /** A key that has come, or is gone, and matters. */
  #odd(now: readonly PropertyKey[]): string | null {
    const { keys } = this.#properties;
    for (let at = 0; at < now.length; at++) {
      const key = now[at] as PropertyKey;
      if (!has(keys, this.#start, this.#end, key) && !this.#isHarmless(key)) return this.#nameOf(key);
    }
    for (let at = this.#start; at < this.#end; at++) {
      const key = keys[at] as PropertyKey;
      if (!has(now, 0, now.length, key) && !this.#isHarmless(key)) return this.#nameOf(key);
    }
    return null;
  }
}

export const isObject = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

function has(keys: readonly PropertyKey[], start: number, end: number, key: PropertyKey): boolean {
  for (let at = start; at < end; at++) if (keys[at] === key) return true;
  return false;
}

function factsOf(descriptor: PropertyDescriptor | undefined): number {
  if (descriptor === undefined) return KEY_ONLY;
  return (
    (descriptor.writable ? WRITABLE : 0) +
    (descriptor.enumerable ? ENUMERABLE : 0) +
    (descriptor.configurable ? CONFIGURABLE : 0) +
    (hasOwn(descriptor, 'value') ? 0 : ACCESSOR)
  );
}
