/**
 * What every tool of a thread can reach and change: the built-ins of the language and of Node, by name.
 *
 * R1. Everything that values, accessors and prototypes lead to from the roots, in the state in which the tool modules
 *     left it when they had loaded: a polyfill made there is a part of it.
 * R2. Of Node's modules that have been loaded, what they export, the classes and the groups of functions among it. What
 *     they keep to themselves (agents, caches, pools) is their state, not a built-in.
 * R3. What a tool module keeps in a global of its own is its state too: only that it is there counts.
 */
import { createHook } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import { OwnSet } from '../../lib/async/own-collections.ts';
import { getPrototypeOf, hasOwn, ownKeys } from './captured.ts';

/** An object to begin with, and its name. */
export interface Root {
  readonly path: string;
  readonly object: object;
}

/** The globals that were there before any tool module ran. */
const GIVEN: ReadonlySet<PropertyKey> = new OwnSet(ownKeys(globalThis));

/** Whether a tool module made the global (R3). */
export const isOfModule = (key: PropertyKey): boolean => !GIVEN.has(key);

const { getBuiltinModule } = process;
const { isView } = ArrayBuffer;

/** What Node has loaded of itself; it grows. */
export const LOADED = (process as unknown as { readonly moduleLoadList: readonly string[] }).moduleLoadList;

const NAMED = 'NativeModule ';

/** Globals that Node makes when they are first read, and the part of it that is loaded for them: costly ones. */
export interface LazyGlobals {
  readonly loads: string;
  readonly names: readonly string[];
  /** What hangs on them and is reached by no property. Asking for it makes them. */
  readonly hidden?: () => readonly Root[];
}

const rootOf = (path: string, made: object): Root => ({ path, object: getPrototypeOf(made) as object });

/** Those of `fetch` take a thread 3 MB and 25 ms, those of `crypto` up to 30 ms, and all of streams 0.2 MB and 5 ms. */
export const LAZY: readonly LazyGlobals[] = [
  {
    loads: `${NAMED}internal/deps/undici/undici`,
    names: [
      'FormData',
      'Headers',
      'Request',
      'Response',
      'MessageEvent',
      'WebSocket',
      'CloseEvent',
      'EventSource',
    ],
    hidden: () => [
      rootOf('HeadersIterator.prototype', new Headers().values()),
      rootOf('FormDataIterator.prototype', new FormData().values()),
    ],
  },
  {
    loads: `${NAMED}internal/crypto/webcrypto`,
    names: ['Crypto', 'CryptoKey', 'SubtleCrypto'],
    hidden: () => [
      { path: 'crypto', object: crypto },
      { path: 'crypto.subtle', object: crypto.subtle },
    ],
  },
  {
    loads: `${NAMED}internal/webstreams/readablestream`,
    names: [
      'ReadableStream',
      'ReadableStreamDefaultReader',
      'ReadableStreamBYOBReader',
      'ReadableStreamBYOBRequest',
      'ReadableByteStreamController',
      'ReadableStreamDefaultController',
    ],
    hidden: () => [rootOf('StreamIterator.prototype', new ReadableStream().values())],
  },
  {
    loads: `${NAMED}internal/webstreams/writablestream`,
    names: ['WritableStream', 'WritableStreamDefaultController', 'WritableStreamDefaultWriter'],
  },
  {
    loads: `${NAMED}internal/webstreams/transformstream`,
    names: ['TransformStream', 'TransformStreamDefaultController'],
  },
  {
    loads: `${NAMED}internal/webstreams/queuingstrategies`,
    names: ['ByteLengthQueuingStrategy', 'CountQueuingStrategy'],
  },
  { loads: `${NAMED}internal/webstreams/encoding`, names: ['TextEncoderStream', 'TextDecoderStream'] },
  {
    loads: `${NAMED}internal/webstreams/compression`,
    names: ['CompressionStream', 'DecompressionStream'],
  },
];

/** Node's modules that tools change to their liking: mocks, instrumentation, polyfills. */
const MODULES: ReadonlySet<string> = new OwnSet(
  (
    'assert assert/strict async_hooks buffer child_process cluster constants crypto dgram diagnostics_channel dns ' +
    'dns/promises domain events fs fs/promises http http2 https inspector inspector/promises module net os path ' +
    'path/posix path/win32 perf_hooks punycode querystring readline readline/promises repl stream stream/consumers ' +
    'stream/promises stream/web string_decoder sys timers timers/promises tls trace_events tty url util util/types v8 ' +
    'vm wasi worker_threads zlib'
  )
    .split(' ')
    .map((name) => NAMED + name),
);

/** What is reached through an accessor of a module, by the part of Node that is loaded for it. */
const BEHIND_ACCESSORS: Readonly<Record<string, () => Root>> = {
  [`${NAMED}internal/fs/promises`]: () => ({
    path: 'fs.promises',
    object: getBuiltinModule('node:fs').promises,
  }),
  [`${NAMED}internal/dns/promises`]: () => ({
    path: 'dns.promises',
    object: getBuiltinModule('node:dns').promises,
  }),
};

/** What modules export that is their state, and long lists of numbers that nobody replaces, by name. */
const LEFT_OUT: ReadonlySet<PropertyKey> = new OwnSet<PropertyKey>([
  'constants',
  'codes',
  '_cache',
  '_pathCache',
  'globalAgent',
  'workerData',
  'workers',
  'settings',
]);

/** What an entry of `LOADED` exports, and what belongs to that (R2); null where it is not watched. */
export function rootsOfModule(loaded: string): Root[] | null {
  if (hasOwn(BEHIND_ACCESSORS, loaded)) return [(BEHIND_ACCESSORS[loaded] as () => Root)()];
  if (!MODULES.has(loaded)) return null;
  const name = loaded.slice(NAMED.length);
  const exported = getBuiltinModule(name as 'fs') as object;
  const roots: Root[] = [{ path: name, object: exported }];
  addClass(roots, name, exported);
  for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(exported))) {
    if (LEFT_OUT.has(key)) continue;
    addClass(roots, `${name}.${key}`, value);
    if (isGroup(value)) roots.push({ path: `${name}.${key}`, object: value });
  }
  if (name === 'util') {
    const { inspect } = exported as typeof import('node:util');
    for (const key of ['defaultOptions', 'styles', 'colors'] as const)
      roots.push({ path: `util.inspect.${key}`, object: inspect[key] });
  }
  return roots;
}

/** A plain object, or a function that has more of its own than any function has. */
function isGroup(value: unknown): value is object {
  if (typeof value === 'function') return hasOwnParts(value);
  if (typeof value !== 'object' || value === null) return false;
  const prototype = getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** What every function may have of its own. */
export const PLAIN_KEYS: ReadonlySet<PropertyKey> = new OwnSet<PropertyKey>([
  'length',
  'name',
  'prototype',
  'arguments',
  'caller',
]);

const hasOwnParts = (value: object): boolean => ownKeys(value).some((key) => !PLAIN_KEYS.has(key));

/** Adds what the instances of a class inherit. */
function addClass(roots: Root[], path: string, value: unknown): void {
  if (typeof value !== 'function' || !hasOwn(value, 'prototype')) return;
  const { prototype } = value as { readonly prototype: unknown };
  if (typeof prototype === 'object' && prototype !== null && ownKeys(prototype).length > 1)
    roots.push({ path: `${path}.prototype`, object: prototype });
}

/** Accessors that make their global when they are first read, beside those that are accessors for good. */
const ACCESSORS: ReadonlySet<PropertyKey> = new OwnSet([
  'crypto',
  'navigator',
  'localStorage',
  'sessionStorage',
]);

/** Makes the lazy globals that cost little, so that using one is no change. Node 22 makes them when they are looked at. */
export function makeLazyGlobals(isLeft: (key: PropertyKey) => boolean): void {
  for (const key of GIVEN) if (!ACCESSORS.has(key) && !isLeft(key)) Reflect.get(globalThis, key);
}

/** Where everything that is no module is reached from. */
export function rootsOfRealm(): Root[] {
  const timeout = setTimeout(() => undefined, 0);
  const immediate = setImmediate(() => undefined);
  clearTimeout(timeout);
  clearImmediate(immediate);
  const subscribed = channel('gateway.norm of active channels');
  subscribed.subscribe(ignore);
  const ActiveChannel = getPrototypeOf(subscribed) as object;
  const made = {
    Generator: (function* () {})(),
    AsyncGenerator: (async function* () {})(),
    GeneratorFunction: function* () {},
    AsyncGeneratorFunction: async function* () {},
    AsyncFunction: async () => undefined,
    ArrayIterator: [].values(),
    MapIterator: new Map().values(),
    SetIterator: new Set().values(),
    StringIterator: ''[Symbol.iterator](),
    RegExpStringIterator: ''.matchAll(/a/g),
    TypedArray: Uint8Array.prototype,
    URLSearchParamsIterator: new URLSearchParams().values(),
    ...iteratorsOf(Iterating),
    AsyncHook: createHook({}),
    Channel: channel('gateway.norm'),
    Timeout: timeout,
    Immediate: immediate,
  };
  const inherited = Object.entries(made).map(([name, object]) => rootOf(`${name}.prototype`, object));
  subscribed.unsubscribe(ignore);
  return [
    { path: 'ActiveChannel.prototype', object: ActiveChannel },
    { path: 'globalThis', object: globalThis },
    { path: 'process', object: process },
    { path: 'Buffer', object: Buffer },
    { path: 'performance', object: performance },
    ...inherited,
  ];
}

const ignore = (): void => undefined;

/** The global `Iterator`, where there is one. */
const Iterating = (globalThis as { readonly Iterator?: { from(iterator: object): unknown } }).Iterator;

/** What iterators are made of by methods of `Iterator`. */
function iteratorsOf(made: typeof Iterating): Record<string, unknown> {
  if (made === undefined) return {};
  const values = [0].values() as unknown as { map(mapper: () => number): unknown };
  return {
    IteratorHelper: values.map(() => 0),
    WrapForValidIterator: made.from({ next: () => ({ done: true }) }),
  };
}

/** Objects that a built-in leads to, and whose own properties are none: they change by being used, or are huge. */
export function isApart(object: object): boolean {
  const { _events: listeners } = process as unknown as { readonly _events: object };
  const { env, config } = process;
  return object === env || object === config || object === LOADED || object === listeners || isView(object);
}
