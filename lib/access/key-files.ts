/**
 * What KEYS_FILE and API_KEY_FILE hold, read and checked as a whole: a file with one mistake is no file of keys.
 *
 * F1. A member that is not known is refused: `tool` for `tools` would open every tool.
 * F2. No message tells a key, or the text of a file of keys.
 */
import { readFileSync, statSync } from 'node:fs';
import { KEY_FORM } from './options.ts';

/** A file of keys that cannot be used; the message is a sentence that names the option and the path. */
export class KeyFileError extends Error {}

/** An entry of KEYS_FILE. */
export interface NamedKey {
  /** Who has the key: the log, and `/stats`, call it so. */
  readonly name: string;
  /** Of the key, in lower-case hexadecimal digits. */
  readonly sha256: string;
  /** Patterns of what the key may use; undefined: all. */
  readonly tools: readonly string[] | undefined;
  /** Calls a second, in place of RATE_LIMIT; undefined: RATE_LIMIT holds. */
  readonly rate: number | undefined;
  /** Whether a key with `tools` sees the figures of the whole gateway. */
  readonly stats: boolean;
}

const NAME_FORM = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
/** What callers without a name are called: the code around the gateway, stdio, keys off, API_KEY's keys, tokens. */
const RESERVED = /^(?:local|stdio|anonymous|key-.*|sub-.*)$/;
const MOST_CALLS_A_SECOND = 1_000_000;
const LARGEST_FILE = 16 * 1024 * 1024;

/**
 * One key a line, or separated by commas; empty lines do not count.
 * @throws {KeyFileError}
 */
export function readApiKeyFile(path: string, shortest: number): readonly string[] {
  const refuse = (reason: string) => new KeyFileError(`API_KEY_FILE, ${path}, ${reason}`);
  const lines = textOf(path, 'API_KEY_FILE')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const keys = lines.flatMap((line) => line.split(',').map((key) => key.trim()));
  if (keys.length === 0) throw refuse('has no key; expected one a line, or several separated by commas');
  if (!keys.every((key) => KEY_FORM.test(key))) {
    throw refuse(
      'has an entry that is no key; expected keys of visible ASCII characters, one a line or separated by commas, ' +
        'none of them empty',
    );
  }
  const short = keys.find((key) => key.length < shortest);
  if (short !== undefined) {
    throw refuse(
      `has a key of ${short.length} characters and the gateway listens off loopback; expected keys of ` +
        `${shortest} characters or more there, such as openssl rand -hex 24 prints`,
    );
  }
  return [...new Set(keys)];
}

/**
 * `{"keys": [{"name", "sha256", "tools"?, "rate"?, "stats"?}]}`
 * @throws {KeyFileError}
 */
export function readKeysFile(path: string): readonly NamedKey[] {
  const refuse = (reason: string) => new KeyFileError(`KEYS_FILE, ${path}, ${reason}`);
  let file: unknown;
  try {
    file = JSON.parse(textOf(path, 'KEYS_FILE'));
  } catch (error) {
    if (error instanceof KeyFileError) throw error;
    throw refuse('is no JSON; expected {"keys": [{"name": …, "sha256": …}]}'); // the parser's words quote the file
  }
  const entries = isObject(file) ? file['keys'] : undefined;
  if (!isObject(file) || !Array.isArray(entries) || Object.keys(file).length !== 1)
    throw refuse('is not {"keys": [{"name": …, "sha256": …}]}, with a list and nothing beside it');
  const keys = entries.map((entry: unknown, at) =>
    namedKey(entry, (reason) => refuse(`keys[${at}]${reason}`)),
  );
  const twice = (field: 'name' | 'sha256') =>
    keys.find((key, at) => keys.findIndex((other) => other[field] === key[field]) !== at);
  const sameName = twice('name');
  if (sameName) throw refuse(`has two keys named "${sameName.name}"; expected a name of its own for each`);
  const sameKey = twice('sha256');
  if (sameKey) throw refuse(`has the key of "${sameKey.name}" twice; expected each key once`);
  return keys;
}

const MEMBERS = ['name', 'sha256', 'tools', 'rate', 'stats'];

function namedKey(entry: unknown, refuse: (reason: string) => KeyFileError): NamedKey {
  if (!isObject(entry)) throw refuse(' is no object');
  const unknown = Object.keys(entry).find((member) => !MEMBERS.includes(member));
  if (unknown !== undefined) {
    const names = MEMBERS.join(', ');
    throw refuse(` has a member ${JSON.stringify(unknown).slice(0, 40)}; expected ${names} and no other`);
  }
  const { name, sha256, tools, rate, stats = false } = entry;
  if (typeof name !== 'string' || !NAME_FORM.test(name))
    throw refuse('.name is missing or no name; expected 1 to 64 letters, digits, ".", "_", "@" and "-"');
  if (RESERVED.test(name)) throw refuse(`.name is "${name}", which is reserved; choose another`);
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw refuse(
      `.sha256 (${name}) is no digest; expected 64 lower-case hexadecimal digits, as printf %s "$KEY" | sha256sum prints`,
    );
  }
  if (tools !== undefined && !isPatterns(tools))
    throw refuse(
      `.tools (${name}) is no list of patterns; expected names such as ["primes_tool", "journeys_*"]`,
    );
  const isRate = Number.isSafeInteger(rate) && Number(rate) >= 0 && Number(rate) <= MOST_CALLS_A_SECOND;
  if (rate !== undefined && !isRate) {
    throw refuse(
      `.rate (${name}) is ${JSON.stringify(rate).slice(0, 40)}; expected a whole number from 0 (no limit) to ` +
        `${MOST_CALLS_A_SECOND} (calls a second)`,
    );
  }
  if (typeof stats !== 'boolean') throw refuse(`.stats (${name}) is neither true nor false`);
  return { name, sha256, tools, rate: rate as number | undefined, stats };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isPatterns = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '');

function textOf(path: string, option: string): string {
  try {
    const { size } = statSync(path);
    if (size > LARGEST_FILE)
      throw new KeyFileError(`${option}, ${path}, has ${size} bytes; expected a file of keys`);
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    if (error instanceof KeyFileError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new KeyFileError(
      `${option}, ${path}, cannot be read (${code}); correct the path, or who may read it`,
    );
  }
}
