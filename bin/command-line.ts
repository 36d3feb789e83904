/**
 * The command line: which command, which flags. It only reads and prints; what a command needs is loaded when it
 * is chosen, so that --help and --version answer at once.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { flags, variablesWithoutFlag } from '../lib/config/explain.ts';
import type { ConfigSources } from '../lib/config/load.ts';

export interface Invocation {
  readonly command: 'serve' | 'stdio' | 'tools' | 'call' | 'print-config';
  readonly flags: ConfigSources['flags'];
  /** Of `call`. */
  readonly tool?: string;
  /** Of `call`: the arguments as JSON text. */
  readonly json?: string;
}

/** The exit code of a wrong command line or configuration. */
export const USAGE_ERROR = 2;

/**
 * @returns what to do, or the exit code when all is said: help or the version on stdout, or on stderr what is wrong.
 */
export function parseCommandLine(argv: readonly string[]): Invocation | number {
  const program = new Command('mcp-streaming-gateway');
  let chosen: Invocation | undefined;
  const choose = (command: Invocation['command'], call?: { tool: string; json: string }) => {
    const { printConfig, ...given } = program.opts();
    chosen = { command: printConfig ? 'print-config' : command, flags: asFlags(given), ...call };
  };
  program
    .description('Runs MCP tools on worker threads and streams them to HTTP, SSE, WebSocket and MCP clients.')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .option('--print-config', 'print every option, its value and where it came from')
    .configureHelp({ showGlobalOptions: true })
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
      else program.error(`error: unknown command '${unknown}'; commands are serve, stdio, tools and call`);
    });
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

  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : USAGE_ERROR;
  }
  return chosen ?? USAGE_ERROR;
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
