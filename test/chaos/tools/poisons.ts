/**
 * Tools that change what they share their thread with, and answer as if nothing had happened.
 *
 * P1. Each leaves its change behind: who is served by this thread next must not notice.
 */
import { EventEmitter } from 'node:events';
import { MessageChannel, MessagePort, parentPort, threadId } from 'node:worker_threads';
import { atOnce, type Misbehaviour } from './misbehaviour.ts';

const fail = (): never => {
  throw new Error('poisoned');
};

const set = (owner: object, key: PropertyKey, value: unknown) =>
  void Object.defineProperty(owner, key, { value, writable: true, configurable: true, enumerable: false });

const lie = (owner: object, key: PropertyKey, value: unknown) => () => set(owner, key, () => value);
const broken =
  (owner: object, ...keys: PropertyKey[]) =>
  () => {
    for (const key of keys) set(owner, key, fail);
  };
const accessor = (key: PropertyKey, value: unknown) => () => {
  Object.defineProperty(Object.prototype, key, { get: () => value, set: () => {}, configurable: true });
};

const CHANGES: Readonly<Record<string, () => void>> = {
  'to-json': () => set(Object.prototype, 'toJSON', () => 'poison'),
  'to-json-of-text': () => set(String.prototype, 'toJSON', () => 'poison'),
  'array-pop': lie(Array.prototype, 'pop', undefined),
  'array-push': broken(Array.prototype, 'push'),
  'array-shift': lie(Array.prototype, 'shift', undefined),
  'array-iterator': broken(Array.prototype, Symbol.iterator),
  'atomics-store': lie(Atomics, 'store', 0),
  'atomics-add': broken(Atomics, 'add', 'load', 'wait', 'notify'),
  'date-now': lie(Date, 'now', 0),
  'performance-now': lie(performance, 'now', 0),
  'json-stringify': lie(JSON, 'stringify', '{"nonce":"n-0000000000000000"}'),
  'json-parse': lie(JSON, 'parse', { nonce: 'n-0000000000000000' }),
  'object-keys': lie(Object, 'keys', []),
  'object-accessor': accessor('type', 'poison'),
  'object-accessor-code': accessor('error', 'poison'),
  'object-value': () => Object.assign(Object.prototype, { retryable: true, retryAfterMs: 5 }),
  'map-methods': broken(Map.prototype, 'get', 'set', 'delete', 'has'),
  'weak-map-methods': lie(WeakMap.prototype, 'get', undefined),
  'promise-then': broken(Promise.prototype, 'then'),
  'promise-global': () => set(globalThis, 'Promise', fail),
  'function-call': broken(Function.prototype, 'call', 'apply', 'bind'),
  'text-slice': lie(String.prototype, 'slice', 'poison'),
  'regexp-exec': lie(RegExp.prototype, 'exec', null),
  timers: () => {
    for (const name of ['setTimeout', 'setImmediate', 'queueMicrotask', 'clearTimeout'])
      set(globalThis, name, fail);
  },
  'next-tick': () => set(process, 'nextTick', () => {}),
  'process-emit': () => set(process, 'emit', () => true),
  'emitter-emit': () => set(EventEmitter.prototype, 'emit', () => true),
  'port-post': lie(MessagePort.prototype, 'postMessage', undefined),
  'buffer-from': broken(Buffer, 'from', 'byteLength', 'concat'),
  'text-encoder': lie(TextEncoder.prototype, 'encode', new Uint8Array()),
  'error-stack': () => {
    Error.stackTraceLimit = 0;
    set(Error, 'prepareStackTrace', fail);
  },
  'abort-controller': () => set(globalThis, 'AbortController', fail),
  fetch: () => set(globalThis, 'fetch', () => Promise.resolve('poison')),
  'global-value': () => Object.assign(globalThis, { leftBehind: 'poison' }),
  environment: () => {
    process.env['CHAOS_CANARY'] = 'poison';
  },
  'frozen-prototype': () => void Object.freeze(Array.prototype),
  'prototype-chain': () => void Object.setPrototypeOf(Array.prototype, { poison: true }),
  'process-listeners': () => void process.removeAllListeners(),
  'port-listeners': () => void parentPort?.removeAllListeners(),
  'process-exit': () => set(process, 'exit', () => {}),
  'forged-frames': () => {
    const { _getActiveHandles } = process as unknown as { _getActiveHandles(): unknown[] };
    const ports = _getActiveHandles().filter((handle) => handle instanceof MessagePort);
    for (const port of ports)
      for (const message of [null, 5, [null], [{ type: 'chunks' }], { type: 'end' }])
        port.postMessage(message);
  },
  'forged-hello': () => {
    const { port1, port2 } = new MessageChannel();
    parentPort?.postMessage({ type: 'hello', threadId, failure: null });
    parentPort?.postMessage({ type: 'hello', threadId, failure: null, port: port1 }, [port1]);
    port2.close();
  },
};

export const POISONS: Readonly<Record<string, Misbehaviour>> = Object.fromEntries(
  Object.entries(CHANGES).map(([name, change]) => [
    `poison-${name}`,
    atOnce(({ nonce }) => {
      change();
      return { nonce };
    }),
  ]),
);
