/**
 * What every tool of a thread can reach and change: the built-ins of the language and of Node, by name.
 *
 * R1. Everything that values, accessors and prototypes lead to from the roots, in the state in which the tool modules
 *     left it when they had loaded: a polyfill made there is a part of it.
 * R2. Of Node's modules that have been loaded, what they export and the classes among it. What they keep to themselves
 *     (agents, caches, pools) is their state, not a built-in.
 * R3. What a tool module keeps in a global of its own is its state too: only that it is there counts.
 */
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
}

/** Those of `fetch` take a thread 3 MB and 25 ms, those of `crypto` up to 30 ms. */
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
  },
  { loads: `${NAMED}internal/crypto/webcrypto`, names: ['Crypto', 'CryptoKey', 'SubtleCrypto'] },
];

/** Node's modules that tools change to their liking: mocks, instrumentation, polyfills. */
const MODULES: ReadonlySet<string> = new OwnSet(
  (
    'assert async_hooks buffer child_process crypto diagnostics_channel dns events fs fs/promises http https module net ' +
    'os path perf_hooks stream stream/promises string_decoder timers timers/promises tls url util vm worker_threads zlib'
  )
    .split(' ')
    .map((name) => NAMED + name),
);

/** What an entry of `LOADED` exports, and the classes among it (R2); null where it is not watched. */
export function rootsOfModule(loaded: string): Root[] | null {
  if (!MODULES.has(loaded)) return null;
  const name = loaded.slice(NAMED.length);
  const exported = getBuiltinModule(name as 'fs') as object;
  const roots: Root[] = [{ path: name, object: exported }];
  addClass(roots, name, exported);
  for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(exported)))
    addClass(roots, `${name}.${key}`, value);
  return roots;
}

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
    Segments: new Intl.Segmenter().segment(''),
    SegmentIterator: new Intl.Segmenter().segment('')[Symbol.iterator](),
    TypedArray: Uint8Array.prototype,
    Timeout: timeout,
    Immediate: immediate,
  };
  const inherited = Object.entries(made).map(([name, object]) => ({
    path: `${name}.prototype`,
    object: getPrototypeOf(object) as object,
  }));
  return [
    { path: 'globalThis', object: globalThis },
    { path: 'process', object: process },
    { path: 'Buffer', object: Buffer },
    { path: 'performance', object: performance },
    ...inherited,
  ];
}

/** Objects that a built-in leads to, and whose own properties are none: they change by being used, or are huge. */
export function isApart(object: object): boolean {
  const { _events: listeners } = process as unknown as { readonly _events: object };
  const { env, config } = process;
  return object === env || object === config || object === LOADED || object === listeners || isView(object);
}
