/**
 * The built-ins that a thread's own machinery stands on, guarded against the tools that run beside it.
 *
 * B1. Tools may change globals while their module loads (polyfills, instrumentation): what is there afterwards is
 *     the norm. A call that leaves them otherwise has spoilt the thread for the calls after it.
 * B2. `restore` puts the norm back, so that the call can still be ended properly, and says that it had to.
 * B3. Looked at on every call: only what the host and Piscina use, compared by identity, and read where each read has a
 *     place of its own in the code: V8 remembers there where a value lies, so that all take half a microsecond. One
 *     place for all of them takes seven times as long.
 */

import { defineProperty, deleteProperty, toText } from './intrinsics/captured.ts';

const { prototype: objects } = Object;

interface Guarded {
  readonly owner: object;
  readonly keys: readonly PropertyKey[];
  /** What the owner has now, in the order of the keys. */
  read(): readonly unknown[];
}

/** @param read reads what is guarded; its keys are those that it asks for. */
function guarded<T extends object>(owner: T, read: (owner: T) => readonly unknown[]): Guarded {
  const keys: PropertyKey[] = [];
  read(new Proxy({} as T, { get: (_none, key) => keys.push(key) }));
  return { owner, keys, read: () => read(owner) };
}

const GUARDED: readonly Guarded[] = [
  guarded(globalThis, (g) => [g.JSON, g.Promise, g.Map, g.Array, g.Object, g.Symbol, g.Error, g.Number]),
  guarded(globalThis, (g) => [g.String, g.Buffer, g.setTimeout, g.clearTimeout, g.setImmediate]),
  guarded(globalThis, (g) => [g.queueMicrotask, g.performance, g.process, g.AbortController]),
  guarded(JSON, (json) => [json.stringify, json.parse]),
  guarded(Promise, (promise) => [promise.resolve, promise.reject]),
  guarded(Promise.prototype, (promise) => [promise.then, promise.catch, promise.constructor]),
  guarded(Array.prototype, (list) => [list.push, list.pop, list.join, list.shift, list.slice, list.map]),
  guarded(Array.prototype, (list) => [list.every, list[Symbol.iterator]]),
  guarded(Map.prototype, (map) => [
    map.get,
    map.set,
    map.delete,
    map.values,
    map.clear,
    map[Symbol.iterator],
  ]),
  guarded(String.prototype, (text) => [text.split, text.slice]),
  guarded(Number, (number) => [number.isFinite]),
  guarded(Buffer, (buffer) => [buffer.byteLength, buffer.from]),
  guarded(process, (all) => [all.on, all.emit, all.nextTick]),
  guarded(performance, (all) => [all.now, all.eventLoopUtilization]),
];

export class BuiltIns {
  readonly #norms: (readonly unknown[])[] = [];

  /** Takes what is there now for the norm. */
  constructor() {
    for (const { read } of GUARDED) this.#norms.push(read());
  }

  /** @returns the name of a built-in that had been changed, or null; all are as they were afterwards. */
  restore(): string | null {
    let changed: string | null = null;
    for (let at = 0; at < GUARDED.length; at++) {
      const norm = this.#norms[at] as readonly unknown[];
      const group = GUARDED[at] as Guarded;
      if (!isStill(group, norm)) changed = putBack(group, norm);
    }
    for (const key in objects) {
      changed = key;
      deleteProperty(objects, key);
    }
    return changed;
  }
}

/** A getter of a tool's may be in its place, and throw. */
function isStill({ read }: Guarded, norm: readonly unknown[]): boolean {
  try {
    const now = read();
    for (let at = 0; at < norm.length; at++) if (now[at] !== norm[at]) return false;
    return true;
  } catch {
    return false;
  }
}

function putBack({ owner, keys }: Guarded, norm: readonly unknown[]): string {
  let changed = '';
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at] as PropertyKey;
    const value = norm[at];
    if (has(owner, key, value)) continue;
    changed = toText(key);
    const descriptor = { __proto__: null, value, writable: true, configurable: true, enumerable: false };
    defineProperty(owner, key, descriptor);
  }
  return changed;
}

function has(owner: object, key: PropertyKey, value: unknown): boolean {
  try {
    return (owner as Record<PropertyKey, unknown>)[key] === value;
  } catch {
    return false;
  }
}
