/**
 * One server of a configuration file, as the clients of MCP write them: what starts or reaches it, and how it is mounted.
 *
 * E1. What is known and means nothing here is told as ignored, what is not known is told as unknown: nothing is left out
 *     in silence.
 * E2. A member of a wrong type stops the start. A variable without a value, or a way to log in that is not known here,
 *     fails that server alone (`fault`): the others run.
 * E3. Texts that may be secret are named (`secrets`), so that no log shows them.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { matchesName } from '../../../call/name-pattern.ts';
import { serverName } from '../catalog/names.ts';
import { isObject } from '../protocol/message.ts';
import { expand, MissingVariable, parseEnvFile, type VariableSources } from './variables.ts';

export interface StdioSource {
  readonly kind: 'stdio';
  readonly command: string;
  readonly args: readonly string[];
  /** Beside what every server finds. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string | undefined;
}

export interface HttpSource {
  /** `sse` is the transport of 2024-11-05; `http` turns to it by itself where the server has no other. */
  readonly kind: 'http' | 'sse';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ServerEntry {
  /** As names of tools begin with it. */
  readonly name: string;
  readonly source: StdioSource | HttpSource;
  /** What its names begin with; null: nothing. */
  readonly prefix: string | null;
  /** Connections that share its calls. */
  readonly instances: number;
  /** `session`: each client's session has a connection of its own. */
  readonly isolation: 'shared' | 'session';
  /** Whether definitions that change are refused until they are accepted. */
  readonly pin: boolean;
  /** After so long without a call a connection is closed; 0: never. */
  readonly idleMs: number;
  /** Limit of one call, where the file has one. */
  readonly timeoutMs: number | undefined;
  /** How long the server may take to answer its first request. */
  readonly startMs: number;
  /** Whether a tool of this name is wanted. */
  allows(tool: string): boolean;
  /** Why it cannot be reached as it is written; null where it can. */
  readonly fault: string | null;
  readonly secrets: readonly string[];
  /** Another for everything that makes it another server. */
  readonly fingerprint: string;
}

/** The message begins with the field. */
export class BadEntry extends Error {}

const SECONDS = 1000;
const START_MS = 60 * SECONDS;
const SESSION_IDLE_MS = 300 * SECONDS;
const MOST_INSTANCES = 64;

const TYPES: Readonly<Record<string, 'stdio' | 'http' | 'sse' | undefined>> = {
  stdio: 'stdio',
  local: 'stdio',
  http: 'http',
  'streamable-http': 'http',
  streamableHttp: 'http',
  remote: 'http',
  sse: 'sse',
};

/** What other programs have in their files and nothing here depends on. */
const IGNORED = new Set([
  'autoApprove',
  'alwaysAllow',
  'trust',
  'description',
  'gallery',
  'version',
  'icon',
  'name',
  'dev',
  'sandbox',
  'sandboxEnabled',
  'note',
  'comment',
  '$comment',
  'disableOnStartup',
  'startupTimeout',
  'alwaysLoad',
  'serverInstructions',
]);
const LOGINS = ['oauth', 'authProviderType', 'auth', 'headersHelper'];

type Fields = Readonly<Record<string, unknown>>;

/**
 * @param notice told what is left out, in words that follow the server's name.
 * @returns null for a server that is switched off.
 * @throws {BadEntry}
 */
export function readEntry(
  label: string,
  given: unknown,
  sources: VariableSources,
  notice: (text: string) => void,
): ServerEntry | null {
  if (!isObject(given)) throw new BadEntry('it is no object');
  const fields = new EntryFields(given);
  if (fields.flag('disabled') === true || fields.flag('enabled') === false) return null;
  const name = serverName(label);
  let fault: string | null = null;
  const texts = (field: string, text: string): string => {
    try {
      return expand(text, sources);
    } catch (error) {
      if (!(error instanceof MissingVariable)) throw error;
      fault ??= `${field}: ${error.message}`;
      return text;
    }
  };
  const source = readSource(fields, texts, sources, (text) => {
    fault ??= text;
  });
  for (const login of LOGINS)
    if (given[login] !== undefined && given[login] !== false)
      fault ??= `${login}: logging in is not possible here; give the token in "headers"`;
  const isolation = fields.oneOf('isolation', ['shared', 'session'] as const) ?? 'shared';
  const idleSeconds = fields.number('idleSeconds', 0, 86_400);
  const entry = {
    name,
    source,
    prefix: readPrefix(fields, name),
    instances: fields.number('instances', 1, MOST_INSTANCES) ?? 1,
    isolation,
    pin: fields.flag('pin') ?? false,
    idleMs:
      idleSeconds === undefined ? (isolation === 'session' ? SESSION_IDLE_MS : 0) : idleSeconds * SECONDS,
    timeoutMs: fields.number('timeout', 1, 2_147_483_647),
    startMs: (fields.number('startSeconds', 1, 3600) ?? START_MS / SECONDS) * SECONDS,
  };
  if (entry.timeoutMs !== undefined && entry.timeoutMs < SECONDS)
    notice(`"timeout" is ${entry.timeoutMs} milliseconds`);
  const wants = readFilters(fields, notice);
  for (const field of Object.keys(given)) {
    if (fields.read.has(field) || LOGINS.includes(field)) continue;
    notice(IGNORED.has(field) ? `"${field}" is ignored` : `"${field}" is unknown, and ignored`);
  }
  return {
    ...entry,
    fault,
    allows: wants.allows,
    secrets: secretsOf(source),
    fingerprint: createHash('sha256')
      .update(JSON.stringify([entry, wants.lists, fault]))
      .digest('hex'),
  };
}

function readPrefix(fields: EntryFields, name: string): string | null {
  const { prefix } = fields.given;
  fields.read.add('prefix');
  if (prefix === undefined) return name;
  if (prefix === false || prefix === '') return null;
  if (typeof prefix !== 'string') throw new BadEntry('"prefix" has to be a text, or false');
  if (serverName(prefix) !== prefix)
    throw new BadEntry(
      `"prefix" has to be of letters, digits, - and single _, such as "${serverName(prefix)}"`,
    );
  return prefix;
}

function readSource(
  fields: EntryFields,
  expanded: (field: string, text: string) => string,
  { folder }: VariableSources,
  fails: (text: string) => void,
): StdioSource | HttpSource {
  const said = fields.text('type') ?? fields.text('transport');
  const type = said === undefined ? undefined : TYPES[said];
  if (said !== undefined && !type)
    throw new BadEntry(`"type" is ${JSON.stringify(said)}; expected stdio, http or sse`);
  const [httpUrl, url, serverUrl] = [fields.text('httpUrl'), fields.text('url'), fields.text('serverUrl')];
  const address = httpUrl ?? url ?? serverUrl;
  const command = fields.text('command');
  const isStdio = type ? type === 'stdio' : command !== undefined;
  const headers = fields.texts('headers') ?? {};
  const args = fields.list('args') ?? [];
  const env = fields.texts('env', true) ?? {};
  const cwd = fields.text('cwd');
  const envFile = fields.text('envFile');
  if (!isStdio) {
    if (address === undefined)
      throw new BadEntry(type ? '"url" is missing' : 'it has neither "command" nor "url"');
    const target = expanded('url', address);
    if (!/^https?:\/\/[^\s/]/.test(target) && !target.includes('${'))
      throw new BadEntry(`"url" has to begin with http:// or https://`);
    return {
      kind: type === 'sse' ? 'sse' : 'http',
      url: target,
      headers: mapped(headers, (value, name) => expanded(`headers.${name}`, value)),
    };
  }
  if (command === undefined) throw new BadEntry('"command" is missing');
  if (command.trim() === '') throw new BadEntry('"command" is empty');
  let fromFile: Record<string, string> = {};
  if (envFile !== undefined) {
    const path = resolve(folder, expanded('envFile', envFile));
    try {
      fromFile = parseEnvFile(readFileSync(path, 'utf8'));
    } catch (error) {
      fails(`envFile: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
  }
  return {
    kind: 'stdio',
    command: expanded('command', command),
    args: args.map((arg, at) => expanded(`args[${at}]`, arg)),
    env: {
      ...fromFile,
      // Gemini has `$NAME` too; as a part of a longer text that is an ordinary dollar elsewhere.
      ...mapped(env, (value, name) =>
        expanded(
          `env.${name}`,
          value.replace(BARE, (_, bare) => `\${${bare}}`),
        ),
      ),
    },
    cwd: cwd === undefined ? undefined : resolve(folder, expanded('cwd', cwd)),
  };
}

/** `enabledTools`, `includeTools` and `tools` say which are wanted, `disabledTools` and `excludeTools` which are not. */
function readFilters(fields: EntryFields, notice: (text: string) => void) {
  const both = (...names: string[]) =>
    names
      .map((name) => fields.list(name))
      .reduce((all, one) => (one ? [...(all ?? []), ...one] : all), undefined);
  const wanted = both('enabledTools', 'includeTools', 'tools');
  const unwanted = both('disabledTools', 'excludeTools') ?? [];
  const strange = [...(wanted ?? []), ...unwanted].filter((pattern) => /[[\]{}!()]/.test(pattern));
  if (strange.length > 0)
    notice(
      `in patterns of tools * stands for any characters and ? for one; ${strange.join(', ')} has others`,
    );
  const isIn = (patterns: readonly string[], tool: string) =>
    patterns.some((pattern) => matchesName(pattern, tool));
  return {
    lists: [wanted, unwanted],
    allows: (tool: string) => (wanted === undefined || isIn(wanted, tool)) && !isIn(unwanted, tool),
  };
}

/** `$NAME`, as a whole value. */
const BARE = /^\$([A-Za-z_][A-Za-z0-9_]*)$/;

const SECRET_NAME = /key|token|secret|pass|auth|credential|cookie|session|private|dsn|connection|_url$/i;

function secretsOf(source: StdioSource | HttpSource): string[] {
  if (source.kind !== 'stdio') {
    const values = Object.values(source.headers).flatMap((value) => [value, value.replace(/^\w+ /, '')]);
    const { username = '', password = '', search = '' } = URL.canParse(source.url) ? new URL(source.url) : {};
    return [...values, decodeURIComponent(password), decodeURIComponent(username), search.slice(1)].filter(
      Boolean,
    );
  }
  const ofEnv = Object.entries(source.env).flatMap(([name, value]) =>
    SECRET_NAME.test(name) ? [value] : [],
  );
  const ofArgs = source.args.flatMap((arg, at) => {
    // `docker run -e TOKEN=…`, `mcp-remote --header "Authorization: …"`
    const [, named = '', given = ''] = /^([\w-]+)(?:=|: ?)([\s\S]+)$/.exec(arg) ?? [];
    if (SECRET_NAME.test(named)) return [given, given.replace(/^\w+ /, '')];
    const [, name = '', value] = /^--?([\w-]+)(?:=([\s\S]+))?$/.exec(arg) ?? [];
    if (SECRET_NAME.test(name)) return value === undefined ? (source.args[at + 1] ?? []) : value;
    const { password = '' } = URL.canParse(value ?? arg) ? new URL(value ?? arg) : {};
    return decodeURIComponent(password);
  });
  return [...ofEnv, ...ofArgs].filter(Boolean);
}

const mapped = (
  texts: Readonly<Record<string, string>>,
  made: (value: string, name: string) => string,
): Record<string, string> =>
  Object.fromEntries(Object.entries(texts).map(([name, value]) => [name, made(value, name)]));

/** The members of an entry, each of the type that it must have. */
class EntryFields {
  readonly given: Fields;
  /** What has been asked for. */
  readonly read = new Set<string>();

  constructor(given: Fields) {
    this.given = given;
  }

  #get(name: string): unknown {
    this.read.add(name);
    return this.given[name] ?? undefined;
  }

  text(name: string): string | undefined {
    const value = this.#get(name);
    if (value === undefined || typeof value === 'string') return value;
    throw new BadEntry(`"${name}" has to be a text`);
  }

  flag(name: string): boolean | undefined {
    const value = this.#get(name);
    if (value === undefined || typeof value === 'boolean') return value;
    throw new BadEntry(`"${name}" has to be true or false`);
  }

  number(name: string, least: number, most: number): number | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw new BadEntry(`"${name}" has to be a whole number from ${least} to ${most}`);
  }

  oneOf<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const value = this.#get(name);
    if (value === undefined || words.includes(value as Word)) return value as Word | undefined;
    throw new BadEntry(`"${name}" has to be ${words.join(' or ')}`);
  }

  list(name: string): readonly string[] | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
    throw new BadEntry(`"${name}" has to be a list of texts`);
  }

  /** @param isLoose whether numbers and the like may stand for their text, as in an environment. */
  texts(name: string, isLoose = false): Record<string, string> | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (!isObject(value)) throw new BadEntry(`"${name}" has to be an object of texts`);
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, one]) => one !== null)
        .map(([key, one]) => {
          if (typeof one === 'string') return [key, one];
          if (isLoose && (typeof one === 'number' || typeof one === 'boolean')) return [key, String(one)];
          throw new BadEntry(`"${name}.${key}" has to be a text`);
        }),
    );
  }
}
