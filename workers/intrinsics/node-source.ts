/**
 * Whether what Node makes late is as Node's own source has it, where it was made before anybody looked: by the text of its
 * functions. It takes some milliseconds, once on a thread.
 *
 * Where Node does not give its source away (`--permission`), nothing is.
 */
import { getOwnPropertyDescriptor, getPrototypeOf, ownKeys, sourceOf, toText } from './captured.ts';

/** Those that it is made in. */
const FILES = [
  'internal/deps/undici/undici',
  'internal/crypto/webcrypto',
  'internal/crypto/keys',
  'internal/crypto/random',
  'internal/crypto/webidl',
  'internal/webstreams/readablestream',
  'internal/webstreams/writablestream',
  'internal/webstreams/transformstream',
  'internal/webstreams/queuingstrategies',
  'internal/webstreams/encoding',
  'internal/webstreams/compression',
  'internal/webstreams/util',
  'internal/util',
  'internal/worker/io',
];

export class NodeSource {
  readonly #texts: readonly string[] = textsOfNode();

  get isKnown(): boolean {
    return this.#texts.length > 0;
  }

  /** @returns what does not come from Node among the properties of a class and of what its instances inherit, or null. */
  foreignPartOf(name: string, made: unknown, inherited: ReadonlySet<object>): string | null {
    if (typeof made !== 'function' || made.name !== name || !this.#isNodes(made)) return name;
    const found = this.foreignPropertyOf(name, made);
    if (found !== null) return found;
    const { prototype } = made as { readonly prototype: unknown };
    for (
      let at = prototype;
      typeof at === 'object' && at !== null && !inherited.has(at);
      at = getPrototypeOf(at)
    ) {
      const foreign = this.foreignPropertyOf(`${name}.prototype`, at);
      if (foreign !== null) return foreign;
    }
    return null;
  }

  /** @returns the name of a property of its own that does not come from Node, or null. */
  foreignPropertyOf(path: string, object: object): string | null {
    for (const key of ownKeys(object)) {
      const { value, get, set } = getOwnPropertyDescriptor(object, key) ?? {};
      if (![value, get, set].every((part) => this.#isNodes(part))) return `${path}.${toText(key)}`;
      if (typeof key === 'string' && !this.#has(key)) return `${path}.${key}`;
    }
    return null;
  }

  #isNodes(value: unknown): boolean {
    return typeof value !== 'function' || this.#has(sourceOf(value));
  }

  #has(text: string): boolean {
    return this.#texts.some((source) => source.includes(text));
  }
}

function textsOfNode(): readonly string[] {
  try {
    const { binding } = process as unknown as {
      binding(name: string): Readonly<Record<string, string | undefined>>;
    };
    const natives = Reflect.apply(binding, process, ['natives']);
    return FILES.map((file) => natives[file] ?? '').filter((text) => text !== '');
  } catch {
    return [];
  }
}
