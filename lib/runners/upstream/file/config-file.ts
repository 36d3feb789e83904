/**
 * The file that says which MCP servers are mounted: `mcpServers`, or `servers`, as the clients of MCP write it.
 *
 * F1. A file that anybody on the machine may write is refused: its commands are run.
 * F2. What is wrong with it is told with file, server and field, all of it at once.
 */
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, resolve } from 'node:path';
import { StartFault } from '../../runner.ts';
import { isObject } from '../protocol/message.ts';
import { parseJsonc } from './jsonc.ts';
import { BadEntry, readEntry, type ServerEntry } from './server-entry.ts';

export interface MountPlan {
  readonly servers: readonly ServerEntry[];
  /** What was left out, a sentence each. */
  readonly notices: readonly string[];
}

const EVERYBODY_WRITES = 0o002;

/** @throws {StartFault} where the file cannot be used. */
export function readConfigFile(path: string, env: NodeJS.ProcessEnv): MountPlan {
  const file = resolve(path);
  const content = contentOf(file);
  const problems: string[] = [];
  const notices: string[] = [];
  const servers: ServerEntry[] = [];
  const sources = { env, folder: dirname(file) };
  for (const [label, given] of Object.entries(serversIn(content, file))) {
    const tell = (text: string) => notices.push(`${file}: server "${label}": ${text}`);
    try {
      const entry = readEntry(label, given, sources, tell);
      if (!entry) continue;
      const other = servers.find(({ name }) => name === entry.name);
      if (other) throw new BadEntry(`its name is that of another server here, "${entry.name}"; rename one`);
      servers.push(entry);
    } catch (error) {
      if (!(error instanceof BadEntry)) throw error;
      problems.push(`${file}: server "${label}": ${error.message}`);
    }
  }
  if (problems.length > 0) throw new StartFault(problems);
  return { servers, notices };
}

function contentOf(file: string): unknown {
  const refused = (reason: string) => new StartFault([`MCP_CONFIG (--config) is "${file}": ${reason}`]);
  let text: string;
  try {
    const { mode } = statSync(file);
    if (process.platform !== 'win32' && (mode & EVERYBODY_WRITES) !== 0)
      throw refused(`everybody may write it, and its commands are run; expected chmod o-w "${file}"`);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof StartFault) throw error;
    throw refused(`it cannot be read (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`);
  }
  try {
    return parseJsonc(text);
  } catch (error) {
    throw refused((error as Error).message);
  }
}

function serversIn(content: unknown, file: string): Readonly<Record<string, unknown>> {
  const inside = isObject(content) && isObject(content['mcp']) ? content['mcp'] : {};
  const all = isObject(content)
    ? [content['mcpServers'], content['servers'], inside['servers'], content['context_servers']]
    : [];
  const found = all.find((one) => one !== undefined);
  if (isObject(found)) return found;
  throw new StartFault([
    `MCP_CONFIG (--config) is "${file}": expected an object with "mcpServers" (or "servers"), an object of servers`,
  ]);
}

/** The entry of a server that was given as a command alone: its name is the command's, without path and extension. */
export function commandEntry(words: readonly string[], cwd: string): MountPlan {
  const [command = '', ...args] = words;
  // Of `npx -y @scope/package@1.2` the package is what people know it by.
  const isRunner = RUNNERS.has(nameOf(command));
  const isSubject = (arg: string, at: number): boolean =>
    !arg.startsWith('-') &&
    !SUBCOMMANDS.has(arg) &&
    // A variable, and perhaps its secret, is no name.
    !arg.includes('=') &&
    !VALUED.has(args[at - 1] ?? '');
  const subject = isRunner ? args.find(isSubject) : undefined;
  const label = subject === undefined ? nameOf(command) : packageOf(subject);
  const entry = readEntry(label, { command, args }, { env: {}, folder: cwd }, () => undefined);
  return {
    servers: entry ? [{ ...entry, fault: null, source: literal(entry, command, args) }] : [],
    notices: [],
  };
}

/** What the shell has expanded is taken as it is. */
const literal = ({ source }: ServerEntry, command: string, args: readonly string[]): ServerEntry['source'] =>
  source.kind === 'stdio' ? { ...source, command, args } : source;

const RUNNERS = new Set([
  'npx',
  'bunx',
  'pnpx',
  'uvx',
  'pipx',
  'node',
  'python',
  'python3',
  'tsx',
  'deno',
  'bun',
  'docker',
]);
const SUBCOMMANDS = new Set(['run', 'exec', 'dlx', 'x']);
/** What follows these is theirs. */
const VALUED = new Set(
  '-e --env --env-file -v --volume --mount -p --publish --name --network -u --user -w --workdir --import --require -r --loader'.split(
    ' ',
  ),
);
/** Files and folders that are called so in every package. */
const NAMELESS = /^(?:index|main|server|cli|app|start|stdio|__main__)$/;
const BUILT = /^(?:dist|build|src|lib|bin|out|esm|cjs|\.{0,2})$/;

const nameOf = (path: string): string => basename(path.replaceAll('\\', '/'), extname(path));

/** `@scope/name@1.2` is `name`, `servers/files.js` is `files`, and `files/dist/index.js` too. */
function packageOf(word: string): string {
  const parts = word.replaceAll('\\', '/').split('/');
  const plain = (part: string) => part.replace(/(?<=.)[@:][^@:]*$/, '').replace(/\.(?:[cm]?[jt]s|py)$/, '');
  const last = plain(parts.at(-1) ?? '');
  const folder = NAMELESS.test(last) ? parts.slice(0, -1).findLast((part) => !BUILT.test(part)) : undefined;
  return folder ?? last;
}
