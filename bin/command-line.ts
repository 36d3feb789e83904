/**
 * The command line: which command, which flags. It only reads and prints; what a command needs is loaded when it
 * is chosen, so that --help and --version answer at once.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { flags, variablesWithoutFlag } from '../lib/config/explain.ts';
import type { ConfigSources } from '../lib/config/load.ts';

export interface Invocation {
  readonly command:
    | 'serve'
    | 'gateway'
    | 'worker'
    | 'stdio'
    | 'tools'
    | 'call'
    | 'healthcheck'
    | 'init'
    | 'pin'
    | 'print-config';
  readonly flags: ConfigSources['flags'];
  /** A sentence for each flag that there is not. */
  readonly problems?: readonly string[];
  /** Of `call`. */
  readonly tool?: string;
  /** Of `init`: where to write. */
  readonly folder?: string;
  /** Of `pin`: the server; absent: all. */
  readonly server?: string;
  /** Of `call`: the arguments as JSON text. */
  readonly json?: string;
}

/** The exit code of a wrong command line or configuration. */
export const USAGE_ERROR = 2;

type Choose = (
  command: Invocation['command'],
  more?: Pick<Invocation, 'tool' | 'json' | 'folder' | 'server'>,
) => void;

/**
 * @returns what to do, or the exit code when all is said: help or the version on stdout, or on stderr what is wrong.
 */
export function parseCommandLine(argv: readonly string[]): Invocation | number {
  let chosen: Invocation | undefined;
  // What stands behind `--` is the command of a server.
  const end = argv.indexOf('--');
  const own = end < 0 ? argv : argv.slice(0, end);
  const mounted = end < 0 ? {} : { mcpCommand: JSON.stringify(argv.slice(end + 1)) };
  if (end === argv.length - 1 && end >= 0) {
    process.stderr.write(
      'mcp-streaming-gateway: behind -- stands the command of an MCP server, and there is none\n',
    );
    return USAGE_ERROR;
  }
  const program = newProgram((command, more) => {
    const { printConfig, ...given } = program.opts();
    const flags = { ...asFlags(given), ...mounted };
    chosen = { command: printConfig ? 'print-config' : command, flags, ...more };
  });
  try {
    program.parse(own, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (WRONG_FLAGS.includes(error.code)) return withWrongFlags(own);
    if (error.exitCode === 0) return 0;
    process.stderr.write(`${program.name()}: ${sentence(error)}\n`);
    return USAGE_ERROR;
  }
  return chosen ?? USAGE_ERROR;
}

const MISSING_VALUE = 'commander.optionMissingArgument';
const WRONG_FLAGS = ['commander.unknownOption', MISSING_VALUE];

const sentence = ({ message }: CommanderError): string => message.replace(/^error: /, '');

function newProgram(choose: Choose): Command {
  const program = new Command('mcp-streaming-gateway');
  program
    .description('Runs MCP tools on worker threads and streams them to HTTP, SSE, WebSocket and MCP clients.')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .option('--print-config', 'print every option, its value and where it came from')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => {} }) // told by who catches it
    .addHelpText('after', `\nSet by variable only:\n${variablesWithoutFlag()}`)
    .exitOverride();
  for (const flag of flags()) program.addOption(asOption(flag));
  program.addOption(new Option('--no-auth', 'the same as --auth off'));

  program
    .command('serve', { isDefault: true })
    .description('serve HTTP, SSE, NDJSON, WebSocket and MCP (the default)')
    .allowExcessArguments(true)
    .action((_options, { args }) => {
      const [unknown] = args;
      if (unknown === undefined) choose('serve');
      else {
        program.error(
          `error: unknown command '${unknown}'; commands are serve, gateway, worker, stdio, tools, call, healthcheck, init and pin`,
        );
      }
    });
  program
    .command('gateway')
    .description(
      'serve clients, and leave tools to the worker hosts of a fleet (REDIS_URL; the same as --role gateway)',
    )
    .action(() => choose('gateway'));
  program
    .command('worker')
    .description('run tools for the gateways of a fleet (REDIS_URL; the same as --role worker)')
    .action(() => choose('worker'));
  program
    .command('stdio')
    .description('serve MCP on stdin and stdout, for clients that start their servers')
    .action(() => choose('stdio'));
  program
    .command('tools')
    .description('list the tools')
    .action(() => choose('tools'));
  program
    .command('call')
    .description('run a tool here; one JSON line on stdout per chunk, error and end')
    .argument('<tool>', 'name of the tool')
    .argument('[json]', 'its arguments, such as \'{"to": 100}\'', '{}')
    .action((tool: string, json: string) => choose('call', { tool, json }));
  program
    .command('pin')
    .description('accept the tools of mounted servers with "pin": true as they are now')
    .argument('[server]', 'name of the server; without it, all of them')
    .action((server?: string) => choose('pin', server === undefined ? undefined : { server }));
  program
    .command('healthcheck')
    .description('ask the gateway that runs with the same options whether it is ready: exit code 0 or 1')
    .action(() => choose('healthcheck'));
  program
    .command('init')
    .description('write a small package with a typed tool and its test into a new folder')
    .argument('<dir>', 'the folder')
    .action((folder: string) => choose('init', { folder }));
  return program;
}

/** Reads past what is wrong with the flags, so that it can be told with all else that is wrong. */
function withWrongFlags(argv: readonly string[]): Invocation {
  const program = newProgram(() => {});
  let words: ReturnType<Command['parseOptions']>;
  try {
    words = program.parseOptions([...argv]);
  } catch (error) {
    if (!(error instanceof CommanderError) || error.code !== MISSING_VALUE) throw error;
    const rest = withWrongFlags(argv.slice(0, -1)); // only the last flag can lack its value
    return { ...rest, problems: [...(rest.problems ?? []), sentence(error)] };
  }
  const { operands, unknown } = words;
  const end = unknown.indexOf('--');
  const wrong = (end < 0 ? unknown : unknown.slice(0, end)).filter((word) => /^-./.test(word));
  const { printConfig: _, ...given } = program.opts();
  const command = COMMANDS.find((name) => name === (operands[0] ?? unknown[0])) ?? 'serve';
  return { command, flags: asFlags(given), problems: wrong.map(unknownFlag) };
}

const COMMANDS = [
  'serve',
  'gateway',
  'worker',
  'stdio',
  'tools',
  'call',
  'healthcheck',
  'init',
  'pin',
] as const;

/** The sentence for one flag, with the one that may be meant, which commander knows. */
function unknownFlag(flag: string): string {
  let hint = '';
  try {
    newProgram(() => {}).parse([flag], { from: 'user' });
  } catch (error) {
    hint = /\(Did you mean [^)]+\)/.exec((error as Error).message)?.[0] ?? '';
  }
  const name = flag.split('=', 1)[0];
  return `unknown option '${name}'; ${hint === '' ? '--help lists those there are' : hint.slice(1, -1).replace('Did', 'did')}`;
}

function asOption({ syntax, description, isList }: ReturnType<typeof flags>[number]): Option {
  const option = new Option(syntax, description);
  if (isList) option.argParser((value: string, before: readonly string[] = []) => [...before, value]);
  return option;
}

/** A switch has no text of its own. */
function asFlags(given: Record<string, unknown>): Invocation['flags'] {
  const names = new Map(flags().map(({ option, syntax }) => [new Option(syntax).attributeName(), option]));
  return Object.fromEntries(
    Object.entries(given).map(([attribute, value]) => [
      names.get(attribute),
      typeof value === 'boolean' ? (value ? 'on' : 'off') : value,
    ]),
  );
}

function packageVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
