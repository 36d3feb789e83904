/**
 * Looks whether the built-ins and globals of its thread are as they were when the module was loaded, which is before
 * any tool ran.
 *
 * C1. It stands on references of its own, taken at that time: a poisoned thread must not make it say that all is well.
 * C2. Listed owners only. What Node makes on first use (lazy globals, `process.stdout`) is left out, as a change that
 *     is nobody's doing; globals that matter are compared by value.
 */
import { EventEmitter } from 'node:events';
import { MessagePort } from 'node:worker_threads';

const { apply, ownKeys, getOwnPropertyDescriptor, getPrototypeOf, isExtensible } = Reflect;
const toText = String;
const same = Object.is;
const listenerCount = EventEmitter.prototype.listenerCount;

const GLOBALS = [
  ...['Promise', 'Array', 'Object', 'Map', 'JSON', 'Math', 'Date', 'Error', 'Buffer', 'process', 'console'],
  ...['setTimeout', 'clearTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'structuredClone'],
  ...['fetch', 'AbortController', 'AbortSignal', 'URL', 'TextEncoder', 'TextDecoder', 'leftBehind'],
] as const;

/** Keys that the gateway or Node may set while tools run, to no harm. */
const LAZY = ['stackTraceLimit'];

const OWNERS: readonly (readonly [string, object])[] = [
  ['Object', Object],
  ['Object.prototype', Object.prototype],
  ['Function.prototype', Function.prototype],
  ['Array', Array],
  ['Array.prototype', Array.prototype],
  ['String.prototype', String.prototype],
  ['Number.prototype', Number.prototype],
  ['Number', Number],
  ['Date', Date],
  ['Date.prototype', Date.prototype],
  ['RegExp.prototype', RegExp.prototype],
  ['Map.prototype', Map.prototype],
  ['Set.prototype', Set.prototype],
  ['WeakMap.prototype', WeakMap.prototype],
  ['Promise', Promise],
  ['Promise.prototype', Promise.prototype],
  ['JSON', JSON],
  ['Math', Math],
  ['Reflect', Reflect],
  ['Atomics', Atomics],
  ['Error', Error],
  ['Error.prototype', Error.prototype],
  ['Uint8Array.prototype', Uint8Array.prototype],
  ['TextEncoder.prototype', TextEncoder.prototype],
  ['AbortSignal.prototype', AbortSignal.prototype],
  ['EventTarget.prototype', EventTarget.prototype],
  ['EventEmitter.prototype', EventEmitter.prototype],
  ['MessagePort.prototype', MessagePort.prototype],
  ['Buffer', Buffer],
];
const PROCESS = ['nextTick', 'emit', 'on', 'exit'] as const;

interface Kept {
  readonly name: string;
  readonly owner: object;
  readonly prototype: object | null;
  readonly keys: readonly PropertyKey[];
  readonly values: readonly unknown[];
  readonly getters: readonly unknown[];
  readonly extensible: boolean;
}

function keep([name, owner]: readonly [string, object]): Kept {
  const keys = ownKeys(owner);
  const descriptors = keys.map((key) => getOwnPropertyDescriptor(owner, key));
  return {
    name,
    owner,
    keys,
    values: descriptors.map((descriptor) => descriptor?.value),
    getters: descriptors.map((descriptor) => descriptor?.get),
    prototype: getPrototypeOf(owner),
    extensible: isExtensible(owner),
  };
}

const kept = OWNERS.map(keep);
const globals: readonly unknown[] = GLOBALS.map((name) => (globalThis as Record<string, unknown>)[name]);
const processKept: readonly unknown[] = PROCESS.map((name) => process[name]);
const listeners: number = listenersNow();

function listenersNow(): number {
  return (
    apply(listenerCount, process, ['uncaughtException']) +
    apply(listenerCount, process, ['unhandledRejection'])
  );
}

function isLazy(key: PropertyKey): boolean {
  for (let at = 0; at < LAZY.length; at++) if (LAZY[at] === key) return true;
  return false;
}

function changeOf({ name, owner, prototype, keys, values, getters, extensible }: Kept): string | null {
  if (getPrototypeOf(owner) !== prototype) return `${name}'s prototype`;
  if (isExtensible(owner) !== extensible) return `${name}, frozen`;
  const now = ownKeys(owner);
  for (let at = 0; at < now.length; at++) {
    const key = now[at] as PropertyKey;
    let before = 0;
    while (before < keys.length && keys[before] !== key) before++;
    if (isLazy(key)) continue;
    if (before === keys.length) return `${name}.${toText(key)}, added`;
    const descriptor = getOwnPropertyDescriptor(owner, key);
    if (!same(descriptor?.value, values[before])) return `${name}.${toText(key)}`;
    if (descriptor?.get !== getters[before]) return `${name}.${toText(key)}`;
  }
  return now.length < keys.length ? `${name}, something removed` : null;
}

/** @returns the name of what has changed, or null. */
export function changedBuiltIn(): string | null {
  for (let at = 0; at < kept.length; at++) {
    const change = changeOf(kept[at] as Kept);
    if (change !== null) return change;
  }
  for (let at = 0; at < GLOBALS.length; at++) {
    const name = GLOBALS[at] as string;
    if ((globalThis as Record<string, unknown>)[name] !== globals[at]) return `globalThis.${name}`;
  }
  for (let at = 0; at < PROCESS.length; at++) {
    const name = PROCESS[at] as (typeof PROCESS)[number];
    if (process[name] !== processKept[at]) return `process.${name}`;
  }
  if (process.env['CHAOS_CANARY'] !== undefined) return 'process.env.CHAOS_CANARY';
  return listenersNow() < listeners ? 'listeners of process' : null;
}
