/**
 * What a tool has Node call from now on, whosever code runs: async hooks, hooks of promises and of module loading,
 * subscribers of diagnostics channels. Node lists none of them, so they are noted when they are made.
 *
 * U1. In place before any tool loads. What modules do while they load is counted too, and belongs to the norm.
 * U2. The hook by which Node 20 and 22 keep `AsyncLocalStorage` is no tool's, though the first use of one enables it.
 */
import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { Channel } from 'node:diagnostics_channel';
import module from 'node:module';
import { promiseHooks } from 'node:v8';
import { OwnSet } from '../../lib/async/own-collections.ts';
import { apply, getOwnPropertyDescriptor, getPrototypeOf, ownList } from '../intrinsics/captured.ts';
import { replaceMethod } from '../intrinsics/replace-method.ts';
import { isAskedByNode } from './asked-by-node.ts';

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Puts `wrap` of a method in its place, where it is there. */
function wrapMethod(
  owner: object,
  name: string,
  wrap: (own: Method, isForNode: () => boolean) => Method,
): void {
  const own = getOwnPropertyDescriptor(owner, name)?.value as Method | undefined;
  if (typeof own !== 'function') return;
  const method = {
    [name](this: unknown, ...args: unknown[]) {
      return apply(wrapped, this, args);
    },
  };
  const wrapped = wrap(own, () => isAskedByNode(method[name] as Method));
  replaceMethod(owner, name, method);
}

interface OpenChannel {
  readonly name: unknown;
  readonly _subscribers?: { readonly length: number };
  readonly _stores?: { readonly size: number };
}

const KINDS = ['an async hook', 'a hook of promises', 'a hook of module loading'] as const;
type KindOfHook = (typeof KINDS)[number];

const counts: Record<KindOfHook, number> = {
  'an async hook': 0,
  'a hook of promises': 0,
  'a hook of module loading': 0,
};
const hooks = new OwnSet<unknown>();
/** Those that have had subscribers. */
const channels = ownList<OpenChannel>();

/** From now on what is said above is noted. */
export function noteSubscriptions(): void {
  noteAsyncHooks();
  for (const name of ['createHook', 'onInit', 'onBefore', 'onAfter', 'onSettled'])
    wrapMethod(promiseHooks, name, (own, isForNode) => (...args) => {
      const stop = apply(own, promiseHooks, args) as () => void;
      // Async hooks are made of them.
      if (isForNode()) return stop;
      counts['a hook of promises']++;
      return noteEnd('a hook of promises', stop);
    });
  for (const name of ['register', 'registerHooks'])
    wrapMethod(module, name, (own) => (...args) => {
      counts['a hook of module loading']++;
      return apply(own, module, args);
    });
  module.syncBuiltinESMExports();
  for (const name of ['subscribe', 'bindStore'])
    wrapMethod(
      Channel.prototype,
      name,
      (own) =>
        function (this: unknown, ...args) {
          note(this as OpenChannel);
          return apply(own, this, args);
        },
    );
}

function note(channel: OpenChannel): void {
  for (let at = 0; at < channels.length; at++) if (channels[at] === channel) return;
  channels[channels.length] = channel;
}

function noteEnd(kind: KindOfHook, stop: () => void): () => void {
  let isStopped = false;
  return () => {
    if (!isStopped) counts[kind]--;
    isStopped = true;
    stop();
  };
}

function noteAsyncHooks(): void {
  const owner = getPrototypeOf(createHook({})) as object;
  let isNodes = true;
  const nodes = new OwnSet<unknown>();
  wrapMethod(
    owner,
    'enable',
    (own) =>
      function (this: unknown) {
        if (isNodes) nodes.add(this);
        else if (!nodes.has(this)) hooks.add(this);
        counts['an async hook'] = hooks.size;
        return apply(own, this, []);
      },
  );
  wrapMethod(
    owner,
    'disable',
    (own) =>
      function (this: unknown) {
        hooks.delete(this);
        counts['an async hook'] = hooks.size;
        return apply(own, this, []);
      },
  );
  const storage = new AsyncLocalStorage<true>();
  storage.run(true, () => undefined);
  storage.disable();
  isNodes = false;
}

const subscribersOf = ({ _subscribers, _stores }: OpenChannel): number =>
  (_subscribers?.length ?? 0) + (_stores?.size ?? 0);

/** What there was when the tool modules had loaded, and whether there is more of it. */
export class SubscriptionsNorm {
  readonly #counts = { ...counts };
  readonly #subscribers = ownList<number>();

  constructor() {
    for (let at = 0; at < channels.length; at++)
      this.#subscribers[at] = subscribersOf(channels[at] as OpenChannel);
  }

  /** @returns what has come since, or null. */
  added(): string | null {
    for (let at = 0; at < KINDS.length; at++) {
      const kind = KINDS[at] as KindOfHook;
      if (counts[kind] > this.#counts[kind]) return kind;
    }
    for (let at = 0; at < channels.length; at++) {
      const channel = channels[at] as OpenChannel;
      if (subscribersOf(channel) > (this.#subscribers[at] ?? 0))
        return 'a subscriber of a diagnostics channel';
    }
    return null;
  }
}
