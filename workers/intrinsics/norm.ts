/**
 * The built-ins of a thread as the tool modules left them when they had loaded, and whether they still are so.
 *
 * N1. A look compares all parts by identity, which takes 0.1 ms; those that everything leans on, and in turn one
 *     in 16 of the others, thoroughly (part.ts). So what identity does not find is found within 16 looks.
 * N2. A look runs no code of a tool's, but getters that a tool put in the place of values. What those throw is a change.
 * N3. Modules that Node loads later belong to the norm from the next look on.
 * N4. Costly lazy globals belong to it from the first look on, which makes them, or from the start where several callers
 *     are known then. At the first look they are compared with Node's own source: a call may have made them before, or put
 *     something in their place.
 * N5. What a call is the first to have made belongs to it from before the call has it in hand, where that is noticed
 *     (segments.ts).
 */
import { OwnMap, OwnSet } from '../../lib/async/own-collections.ts';
import { type Called, isObject, Part, Properties, pathOf, type Reach } from './built-in-object.ts';
import {
  getPrototypeOf,
  hasOwn,
  lookupGetter,
  NativeFunction,
  ownKeys,
  ownList,
  sourceOf,
  toText,
} from './captured.ts';
import { isDispatcher } from './harmless.ts';
import { ListenersNorm } from './listeners.ts';
import { ModuleCacheNorm } from './module-cache.ts';
import { NodeSource } from './node-source.ts';
import {
  isApart,
  isOfModule,
  LAZY,
  type LazyGlobals,
  LOADED,
  makeLazyGlobals,
  PLAIN_KEYS,
  type Root,
  rootsOfModule,
  rootsOfRealm,
} from './realm.ts';
import { areSegmentsMissed, whenSegmented } from './segments.ts';

const CLASSES = 'Object Function Array Promise String Date Error RegExp Map';
const SINGLE = 'process Symbol JSON Reflect console';

/** Compared thoroughly at every look (N1): these, and what instances of the classes inherit. */
const CLOSE: ReadonlySet<string> = new OwnSet(
  `${CLASSES} ${SINGLE} ${CLASSES.replaceAll(/\w+/g, '$&.prototype')}`.split(' '),
);

const ROUNDS = 16;

/** More than a realm has: a module that hangs its state on a built-in does not make every look slow. */
const MOST_PARTS = 6000;

/** An object that was reached, and is to be looked at. */
interface Reached extends Called {
  readonly object: object;
}

/** A function that has nothing of its own but what all have. */
interface Plain extends Called {
  readonly value: (...args: never[]) => unknown;
  readonly keys: number;
}

const globals = globalThis as Record<PropertyKey, unknown>;

const { call, apply, bind } = NativeFunction.prototype;

export class Norm {
  readonly #close = ownList<Part>();
  readonly #parts = ownList<Part>();
  readonly #plain = ownList<Plain>();
  /** The part that is globalThis. */
  #globals: Part | null = null;
  readonly #seen = new OwnSet<object>();
  readonly #listeners = new ListenersNorm();
  readonly #environment = new Environment();
  readonly #modules = new ModuleCacheNorm();
  readonly #outputs = [process.stdout, process.stderr].map((stream) => ({ stream, write: stream.write }));
  readonly #lazyGetters = new OwnMap<string, unknown>();
  #lazy: readonly LazyGlobals[] = LAZY.filter(({ loads }) => !LOADED.includes(loads));
  /** Who sends the requests of `fetch`, by the global that says so; there once `fetch` has been loaded. */
  #dispatchers: readonly { readonly key: symbol; readonly value: unknown }[] = [];
  #loaded = 0;
  #round = 0;

  /** Takes what is there now for the norm. @param isWhole whether costly lazy globals are made now (N4). */
  constructor(isWhole: boolean) {
    for (const { names } of this.#lazy)
      for (const name of names) this.#lazyGetters.set(name, lookupGetter(globalThis, name));
    makeLazyGlobals((key) => this.#isLazy(key));
    this.#add(rootsOfRealm(), true);
    this.#addModules();
    for (const lazy of LAZY) if (!this.#lazy.includes(lazy)) this.#add(lazy.hidden?.() ?? [], false);
    this.#noteDispatchers();
    if (isWhole) this.#addLazy();
    whenSegmented((roots) => this.#add(roots, true));
  }

  #isLazy(key: PropertyKey): boolean {
    return this.#lazyGetters.has(key as string);
  }

  /**
   * It works on what no tool can have replaced: a call may be going on (N5).
   * @param isDeep whether what they lead to belongs to the norm as well.
   */
  #add(roots: readonly Root[], isDeep: boolean): void {
    const properties = new Properties();
    const queue = ownList<Reached>();
    const reach: Reach = (parent, name, object) => {
      if (!this.#seen.has(object)) queue[queue.length] = { parent, name, object };
    };
    let next = 0;
    for (let at = 0; at < roots.length; at++) {
      const { path, object } = roots[at] as Root;
      reach(null, path, object);
      while (next < queue.length) this.#addOne(queue[next++] as Reached, properties, isDeep ? reach : null);
    }
    properties.close();
  }

  #addOne({ parent, name, object }: Reached, properties: Properties, reach: Reach | null): void {
    if (this.#seen.has(object) || isApart(object) || this.#seen.size >= MOST_PARTS) return;
    this.#seen.add(object);
    if (isPlain(object)) {
      const plain: Plain = { parent, name, value: object, keys: ownKeys(object).length };
      this.#plain[this.#plain.length] = plain;
      const { prototype } = object as { readonly prototype?: unknown };
      if (reach && isObject(prototype)) reach(plain, 'prototype', prototype);
      return;
    }
    const isKeyOnly =
      object === globalThis ? (key: PropertyKey) => isOfModule(key) || this.#isLazy(key) : never;
    const part = new Part({ parent, name }, object, properties, isKeyOnly);
    if (object === globalThis) this.#globals = part;
    const parts = CLOSE.has(pathOf(part)) ? this.#close : this.#parts;
    parts[parts.length] = part;
    if (reach) part.forEachReached(reach);
  }

  /** Adds the modules that Node has loaded since it was asked last. */
  #addModules(): void {
    const roots: Root[] = [];
    for (; this.#loaded < LOADED.length; this.#loaded++)
      roots.push(...(rootsOfModule(LOADED[this.#loaded] as string) ?? []));
    this.#add(roots, false);
  }

  /** @returns the name of something that has changed, or null. */
  changed(): string | null {
    try {
      return this.#changed() ?? this.#changeOfLazy();
    } catch {
      return 'a built-in, which throws when it is looked at';
    }
  }

  #changed(): string | null {
    const round = this.#round++ % ROUNDS;
    const close = this.#close;
    for (let at = 0; at < close.length; at++) {
      const change = (close[at] as Part).changed(true);
      if (change !== null) return change;
    }
    const parts = this.#parts;
    for (let at = 0; at < parts.length; at++) {
      const change = (parts[at] as Part).changed(at % ROUNDS === round);
      if (change !== null) return change;
    }
    const plain = this.#plain;
    for (let at = 0; at < plain.length; at++)
      if (!isPlainStill(plain[at] as Plain, at % ROUNDS === round)) return pathOf(plain[at] as Plain);
    for (let at = 0; at < this.#outputs.length; at++) {
      const output = this.#outputs[at];
      if (output && output.stream.write !== output.write)
        return 'process.stdout.write or process.stderr.write';
      if (output?.stream.writableEnded || output?.stream.destroyed)
        return 'process.stdout or process.stderr, which has ended';
    }
    for (let at = 0; at < this.#dispatchers.length; at++) {
      const dispatcher = this.#dispatchers[at];
      if (dispatcher && globals[dispatcher.key] !== dispatcher.value) return 'the dispatcher of fetch';
    }
    if ((process as unknown as { readonly _exiting?: boolean })._exiting === true) return 'process._exiting';
    if (areSegmentsMissed()) return 'what Intl.Segmenter gives';
    const event = this.#listeners.changed();
    if (event !== null) return `the listeners of process to "${toText(event)}"`;
    return this.#modules.changed() ?? this.#environment.changed();
  }

  /** Adds the costly lazy globals, and what they have been made to be. */
  #addLazy(): void {
    for (const { names, hidden } of this.#lazy) {
      for (const name of names) {
        const value = globals[name];
        if (isObject(value)) this.#add([{ path: name, object: value }], true);
        this.#globals?.noteValueOf(name);
      }
      this.#add(hidden?.() ?? [], false);
    }
    this.#lazy = [];
    this.#noteDispatchers();
  }

  #noteDispatchers(): void {
    this.#dispatchers = Object.getOwnPropertySymbols(globals)
      .filter((key) => isDispatcher(String(key)))
      .map((key) => ({ key, value: globals[key] }));
  }

  /** Makes a lazy global. @returns whether it is Node's, and not something in its place. */
  #isNodes(name: string): boolean {
    const getter = lookupGetter(globalThis, name);
    if (getter !== undefined && getter !== this.#lazyGetters.get(name)) return false;
    const value = globals[name];
    return typeof value === 'function' && new RegExp(`^class _?${name}\\b`).test(sourceOf(value));
  }

  /** What Node has loaded since (N3, N4). All else is as it should be when this runs, and may be used. */
  #changeOfLazy(): string | null {
    if (this.#lazy.length > 0) {
      const foreign = this.#foreignOfLazy() ?? ownOfCrypto();
      if (foreign !== null) return foreign;
      this.#addLazy();
    }
    if (this.#loaded < LOADED.length) this.#addModules();
    return null;
  }

  #foreignOfLazy(): string | null {
    const source = new NodeSource();
    // All of them first: making what is hidden loads others.
    const made = this.#lazy.filter(({ loads }) => LOADED.includes(loads));
    for (const lazy of this.#lazy) {
      const isCompared = source.isKnown || made.includes(lazy);
      for (const name of lazy.names) {
        if (!(name in globals)) continue;
        const foreign = isCompared ? source.foreignPartOf(name, globals[name], this.#seen) : null;
        if (foreign !== null) return foreign;
        if (!isCompared && hasOwn(globalThis, name) && !this.#isNodes(name)) return name;
      }
    }
    for (const { hidden } of made)
      for (const { path, object } of hidden?.() ?? []) {
        const foreign = source.foreignPropertyOf(path, object);
        if (foreign !== null) return foreign;
      }
    return null;
  }
}

const never = (): boolean => false;

/** The instances have nothing of their own until somebody puts it there. */
function ownOfCrypto(): string | null {
  const own = ownKeys(crypto)[0] ?? ownKeys(crypto.subtle)[0];
  return own === undefined ? null : `crypto.${toText(own)}`;
}

function isPlain(object: object): object is Plain['value'] {
  if (typeof object !== 'function' || getPrototypeOf(object) !== NativeFunction.prototype) return false;
  const keys = ownKeys(object);
  for (let at = 0; at < keys.length; at++) if (!PLAIN_KEYS.has(keys[at] as PropertyKey)) return false;
  return true;
}

function isPlainStill({ value, keys }: Plain, isThorough: boolean): boolean {
  if (value.call !== call || value.apply !== apply || value.bind !== bind) return false;
  if (getPrototypeOf(value) !== NativeFunction.prototype) return false;
  return !isThorough || ownKeys(value).length === keys;
}

/** The variables of the thread's environment. */
class Environment {
  readonly #variables = process.env;
  readonly #names = Object.keys(this.#variables);
  readonly #values = this.#names.map((name) => this.#variables[name]);

  /** @returns the name of a variable that has changed, or null. */
  changed(): string | null {
    const names = ownKeys(this.#variables);
    for (let at = 0; at < this.#names.length; at++) {
      const name = this.#names[at] as string;
      if (this.#variables[name] !== this.#values[at]) return `process.env.${name}`;
    }
    return names.length === this.#names.length ? null : 'process.env, which has other variables';
  }
}
