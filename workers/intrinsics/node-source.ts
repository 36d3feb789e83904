/**
 * Whether a class of Node's is as Node's own source has it, where it was made before anybody looked: by the text of its
 * functions. It takes some milliseconds, once on a thread.
 *
 * Where Node does not give its source away (`--permission`), nothing is.
 */
import { getOwnPropertyDescriptor, getPrototypeOf, ownKeys, sourceOf, toText } from './captured.ts';

/** Those that the classes are made in. */
const FILES = [
  'internal/deps/undici/undici',
  'internal/crypto/webcrypto',
  'internal/crypto/keys',
  'internal/crypto/random',
  'internal/crypto/webidl',
  'internal/util',
  'internal/worker/io',
];

function sourcesOfNode(): readonly string[] {
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

/** @returns what does not come from Node among the properties of a class and of what its instances inherit, or null. */
export function foreignPartOf(name: string, made: unknown, inherited: ReadonlySet<object>): string | null {
  const sources = sourcesOfNode();
  const isNodes = (value: unknown): boolean => {
    if (typeof value !== 'function') return true;
    const text = sourceOf(value);
    return sources.some((source) => source.includes(text));
  };
  const foreignOf = (path: string, object: object): string | null => {
    for (const key of ownKeys(object)) {
      const { value, get, set } = getOwnPropertyDescriptor(object, key) ?? {};
      if (![value, get, set].every(isNodes)) return `${path}.${toText(key)}`;
      if (typeof key === 'string' && !sources.some((source) => source.includes(key))) return `${path}.${key}`;
    }
    return null;
  };
  if (typeof made !== 'function' || made.name !== name || !isNodes(made)) return name;
  const found = foreignOf(name, made);
  if (found !== null) return found;
  const { prototype } = made as { readonly prototype: unknown };
  for (
    let at = prototype;
    typeof at === 'object' && at !== null && !inherited.has(at);
    at = getPrototypeOf(at)
  ) {
    const foreign = foreignOf(`${name}.prototype`, at);
    if (foreign !== null) return foreign;
  }
  return null;
}
