/**
 * The API keys that open the gateway, whom they belong to and what each may do: those of API_KEY, of API_KEY_FILE and
 * of KEYS_FILE, the files read anew whenever they change.
 *
 * K1. A key is known by its SHA-256 digest: found by it, and compared in constant time. What the time of a look-up could
 *     tell is of the digest, from which nobody gets a key.
 * K2. `keyId` is a public, stable name of a key: the one that KEYS_FILE gives it, else a hash of its own. It is safe to
 *     log, and useless to call with.
 * K3. New files hold as a whole or not at all: where one has a mistake, what was before goes on, and the log says so.
 * K4. A key that is gone from the files is revoked: its calls, sockets and sessions are ended.
 * K5. The log hides keys wherever they turn up: those that are told from the start, those of KEYS_FILE, of which only
 *     digests are told, from their first use on, the first 256 of them.
 * K6. Whoever keeps what `keyIdFor` said asks again once `edition` is another.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import { FileWatch } from '../async/file-watch.ts';
import { KeyFileError, type NamedKey, readApiKeyFile, readKeysFile } from './key-files.ts';

/** The keyId of every caller when keys are switched off. */
export const ANONYMOUS = 'anonymous';
/** Begins the keyId of callers that an access token names. */
export const TOKEN_KEY_PREFIX = 'sub-';

export interface KeySources {
  readonly apiKeys?: readonly string[];
  readonly apiKeyFile?: string | null;
  readonly keysFile?: string | null;
  /** Calls a second of keys for which KEYS_FILE says nothing; 0: no limit. */
  readonly rateLimit?: number;
  /** Of the keys in API_KEY_FILE. Default 1. */
  readonly shortestKey?: number;
}

/** What a key may do. */
export interface KeyRights {
  /** Patterns of what it may use; undefined: all. The same array for as long as it holds. */
  readonly tools: readonly string[] | undefined;
  /** Calls a second; 0: no limit. */
  readonly rate: number;
  /** Whether it sees the figures of the whole gateway. */
  readonly seesStats: boolean;
}

/** What new files have changed. */
export interface KeyChange {
  /** The keyIds of keys that are gone. */
  readonly revoked: ReadonlySet<string>;
  /** Of keys that may use something else than before. */
  readonly changed: ReadonlySet<string>;
}

/** Tells the operator. */
type Tell = (level: 'info' | 'error', message: string, fields?: Readonly<Record<string, unknown>>) => void;

interface Entry {
  readonly keyId: string;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly digest: Buffer;
  readonly rights: KeyRights;
  /** Whether the log knows the key itself, which KEYS_FILE does not tell. */
  isHidden: boolean;
}

interface Edition {
  readonly entries: readonly Entry[];
  readonly byDigest: ReadonlyMap<string, Entry>;
  readonly byKeyId: ReadonlyMap<string, Entry>;
  /** The keys themselves, as far as they are known, so that the log can hide them. */
  readonly secrets: readonly string[];
}

/** Keys that are looked for in each line of the log for having been used, at most: it takes time for each. */
const MOST_LEARNT = 256;
/** Compared with where no key has the digest: the time is the same. */
const NOBODY = Buffer.alloc(32);

export class KeyBook {
  readonly #sources: KeySources;
  readonly #everybody: KeyRights;
  readonly #listeners = new Set<(change: KeyChange) => void>();
  readonly #revoked = new Set<string>();
  /** By their text: keys with the same patterns share one array, over changes of the files too, since views of the
   *  catalog are kept by it. */
  readonly #patterns = new Map<string, readonly string[]>();
  #edition: Edition;
  #watch: FileWatch | undefined;

  /** Knows the keys of API_KEY; those of the files from `open` on. */
  constructor(sources: KeySources) {
    this.#sources = sources;
    this.#everybody = { tools: undefined, rate: sources.rateLimit ?? 0, seesStats: true };
    this.#edition = editionOf(this.#ofApiKeys(sources.apiKeys ?? []), sources.apiKeys ?? []);
  }

  /**
   * Reads the files, and from now on whenever they change.
   * @throws {KeyFileError} when one cannot be used; nothing is watched then.
   */
  open(tell: Tell): void {
    const { apiKeyFile, keysFile } = this.#sources;
    const paths = [apiKeyFile, keysFile].filter((path) => typeof path === 'string');
    if (paths.length === 0) return;
    this.close();
    const watch = new FileWatch(paths, () => this.#reload(tell));
    try {
      this.#edition = this.#read();
      if (this.#edition.entries.length === 0)
        throw new KeyFileError(
          `KEYS_FILE, ${keysFile}, has no key, and nobody could call; expected one or more`,
        );
    } catch (error) {
      watch.close();
      throw error;
    }
    this.#watch = watch;
  }

  close(): void {
    this.#watch?.close();
  }

  /** Another object whenever a key may have come or gone. */
  get edition(): object {
    return this.#edition;
  }

  /** The name of the key, or undefined for a wrong one. */
  keyIdFor(key: string): string | undefined {
    const digest = hash('sha256', key, 'buffer');
    const entry = this.#edition.byDigest.get(digest.toString('latin1'));
    if (!timingSafeEqual(entry?.digest ?? NOBODY, digest) || !entry) return undefined;
    if (!entry.isHidden) this.#hide(entry, key);
    return entry.keyId;
  }

  /** K5 */
  #hide(entry: Entry, key: string): void {
    entry.isHidden = true;
    if (this.#edition.secrets.length >= MOST_LEARNT) return;
    this.#edition = { ...this.#edition, secrets: [...new Set([...this.#edition.secrets, key])] };
  }

  /** What a caller may do; undefined for callers that are none of the keys, such as the code around the gateway. */
  rulesOf(keyId: string): KeyRights | undefined {
    const entry = this.#edition.byKeyId.get(keyId);
    if (entry) return entry.rights;
    return keyId === ANONYMOUS || keyId.startsWith(TOKEN_KEY_PREFIX) ? this.#everybody : undefined;
  }

  isRevoked(keyId: string): boolean {
    return this.#revoked.size > 0 && this.#revoked.has(keyId);
  }

  /** Keys that the log hides; another list whenever there is one more. */
  get secrets(): readonly string[] {
    return this.#edition.secrets;
  }

  /** @param listener must not throw. @returns what ends it. */
  onChange(listener: (change: KeyChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #reload(tell: Tell): void {
    let edition: Edition;
    try {
      edition = this.#read();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      tell('error', `the changed keys are not taken, those before go on: ${reason}`);
      return;
    }
    const change = changeOf(this.#edition, edition);
    this.#edition = edition;
    for (const keyId of change.revoked) if (!edition.byKeyId.has(keyId)) this.#revoked.add(keyId);
    for (const keyId of edition.byKeyId.keys()) this.#revoked.delete(keyId);
    const revoked = [...change.revoked];
    tell('info', 'the keys were read anew', { keys: edition.entries.length, revoked });
    for (const listener of [...this.#listeners]) listener(change);
  }

  /** @throws {KeyFileError} */
  #read(): Edition {
    const { apiKeys = [], apiKeyFile, keysFile, shortestKey = 1 } = this.#sources;
    const keys = apiKeyFile ? readApiKeyFile(apiKeyFile, shortestKey) : apiKeys;
    const unnamed = this.#ofApiKeys(keys);
    const named = keysFile ? readKeysFile(keysFile).map((key) => this.#named(key)) : [];
    const twice = named.find(({ sha256 }) => unnamed.some((other) => other.sha256 === sha256));
    if (twice) {
      const other = apiKeyFile ? 'API_KEY_FILE' : 'API_KEY';
      throw new KeyFileError(
        `KEYS_FILE, ${keysFile}, has the key of "${twice.keyId}", which ${other} has too; expected it in one of them`,
      );
    }
    return editionOf([...unnamed, ...named], [...new Set([...this.#edition.secrets, ...keys])]);
  }

  #ofApiKeys(keys: readonly string[]): Entry[] {
    return keys.map((key) => {
      const digest = hash('sha256', key, 'buffer');
      return {
        keyId: keyIdOf(key),
        sha256: digest.toString('hex'),
        digest,
        rights: this.#everybody,
        isHidden: true,
      };
    });
  }

  #named({ name, sha256, tools, rate, stats }: NamedKey): Entry {
    const rights: KeyRights = {
      tools: tools === undefined ? undefined : this.#samePatterns(tools),
      rate: rate ?? this.#everybody.rate,
      seesStats: tools === undefined || stats,
    };
    return { keyId: name, sha256, digest: Buffer.from(sha256, 'hex'), rights, isHidden: false };
  }

  #samePatterns(tools: readonly string[]): readonly string[] {
    const text = JSON.stringify([...new Set(tools)].sort());
    const known = this.#patterns.get(text) ?? tools;
    this.#patterns.set(text, known);
    return known;
  }
}

/** The public name of a key; hashed apart from the comparison digest, so that it gives none of that away. */
export function keyIdOf(key: string): string {
  return `key-${hash('sha256', `mcp-streaming-gateway key id\n${key}`, 'hex').slice(0, 8)}`;
}

const editionOf = (entries: readonly Entry[], secrets: readonly string[]): Edition => ({
  entries,
  byDigest: new Map(entries.map((entry) => [entry.digest.toString('latin1'), entry])),
  byKeyId: new Map(entries.map((entry) => [entry.keyId, entry])),
  secrets,
});

/** A name that has another key now is revoked too: who called with the old one is not to go on. */
function changeOf(before: Edition, after: Edition): KeyChange {
  const revoked = new Set<string>();
  const changed = new Set<string>();
  for (const { keyId, sha256, rights } of before.entries) {
    const now = after.byKeyId.get(keyId);
    if (now?.sha256 !== sha256) revoked.add(keyId);
    else if (now.rights.tools !== rights.tools) changed.add(keyId);
  }
  return { revoked, changed };
}
