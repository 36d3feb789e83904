/**
 * The API keys the gateway accepts.
 *
 * K1. Keys are kept and compared as SHA-256 digests, in constant time; the keys themselves are not kept.
 * K2. `keyId` is a public, stable name of a key: safe to log, useless to call with.
 */
import { hash, timingSafeEqual } from 'node:crypto';

interface KnownKey {
  readonly digest: Buffer;
  readonly keyId: string;
}

export class ApiKeyRing {
  readonly #known: readonly KnownKey[];

  constructor(keys: readonly string[]) {
    this.#known = keys.map((key) => ({ digest: digestOf(key), keyId: keyIdOf(key) }));
  }

  /** The name of the key, or undefined for a wrong one; looks at every key, so that time tells nothing. */
  keyIdFor(key: string): string | undefined {
    const digest = digestOf(key);
    let found: string | undefined;
    for (const known of this.#known) if (timingSafeEqual(known.digest, digest)) found = known.keyId;
    return found;
  }
}

/** The public name of a key; hashed apart from the comparison digest, so that it gives none of that away. */
export function keyIdOf(key: string): string {
  return `key-${hash('sha256', `mcp-streaming-gateway key id\n${key}`, 'hex').slice(0, 8)}`;
}

const digestOf = (key: string): Buffer => hash('sha256', key, 'buffer');
