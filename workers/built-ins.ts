/**
 * The built-ins that a thread's own machinery stands on, guarded against the tools that run beside it.
 *
 * B1. Tools may change globals while their module loads (polyfills, instrumentation): what is there afterwards is
 *     the norm. A call that leaves them otherwise has spoilt the thread for the calls after it.
 * B2. `restore` puts the norm back, so that the call can still be ended properly, and says that it had to.
 * B3. Looked at on every call: only what the host and Piscina use, compared by identity.
 */

import { defineProperty, deleteProperty, toText } from './intrinsics/captured.ts';

const { prototype: objects } = Object;

type Owner = Record<PropertyKey, unknown>;

const GUARDED: readonly (readonly [owner: object, keys: readonly PropertyKey[]])[] = [
  [
    globalThis,
    ['JSON', 'Promise', 'Map', 'Array', 'Object', 'Symbol', 'Error', 'Number', 'String', 'Buffer'],
  ],
  [globalThis, ['setTimeout', 'clearTimeout', 'setImmediate', 'queueMicrotask', 'performance', 'process']],
  [globalThis, ['AbortController']],
  [JSON, ['stringify', 'parse']],
  [Promise, ['resolve', 'reject']],
  [Promise.prototype, ['then', 'catch', 'constructor']],
  [Array.prototype, ['push', 'pop', 'join', 'shift', 'slice', 'map', 'every', Symbol.iterator]],
  [Map.prototype, ['get', 'set', 'delete', 'values', 'clear', Symbol.iterator]],
  [String.prototype, ['split', 'slice']],
  [Number, ['isFinite']],
  [Buffer, ['byteLength', 'from']],
  [process, ['on', 'emit', 'nextTick']],
  [performance, ['now', 'eventLoopUtilization']],
];

/** A getter of a tool's may be in its place, and throw. */
function isStill(owner: Owner, key: PropertyKey, value: unknown): boolean {
  try {
    return owner[key] === value;
  } catch {
    return false;
  }
}

export class BuiltIns {
  readonly #owners: Owner[] = [];
  readonly #keys: PropertyKey[] = [];
  readonly #values: unknown[] = [];

  /** Takes what is there now for the norm. */
  constructor() {
    for (const [owner, keys] of GUARDED) {
      for (const key of keys) {
        this.#owners.push(owner as Owner);
        this.#keys.push(key);
        this.#values.push((owner as Owner)[key]);
      }
    }
  }

  /** @returns the name of a built-in that had been changed, or null; all are as they were afterwards. */
  restore(): string | null {
    let changed: string | null = null;
    for (let at = 0; at < this.#keys.length; at++) {
      const owner = this.#owners[at] as Owner;
      const key = this.#keys[at] as PropertyKey;
      const value = this.#values[at];
      if (isStill(owner, key, value)) continue;
      changed = toText(key);
      const descriptor = { __proto__: null, value, writable: true, configurable: true, enumerable: false };
      defineProperty(owner, key, descriptor);
    }
    for (const key in objects) {
      changed = key;
      deleteProperty(objects, key);
    }
    return changed;
  }
}
