/**
 * From the command line to an exit code. Each command is loaded when it is chosen, and the gateway with it.
 */
import { explainConfig } from '../lib/config/explain.ts';
import { type LoadedConfig, loadConfig } from '../lib/config/load.ts';
import type { ParentLink } from '../lib/supervise/parent-link.ts';
import { type Invocation, parseCommandLine } from './command-line.ts';
import { reportStartFailure } from './start-failure.ts';

/**
 * @param parent of a supervised gateway; it has a supervisor already, and starts none.
 * @returns the exit code.
 */
export async function main(argv: readonly string[], parent?: ParentLink): Promise<number> {
  // A reader that leaves (`… | head`) ends what it reads and no more; those who must know listen too.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const invocation = parseCommandLine(argv);
  if (typeof invocation === 'number') return invocation;
  const { command, flags, problems = [] } = invocation;
  let loaded: LoadedConfig | undefined;
  try {
    const serves = command === 'serve' || command === 'gateway' || command === 'worker';
    const listens = serves || command === 'print-config';
    // `gateway` and `worker` are `serve` in one of its roles.
    const roles = serves && command !== 'serve' ? { ...flags, role: command } : flags;
    loaded = loadConfig({ env: process.env, flags: roles, listens, problems });
    if (loaded.config.supervise && !parent && (serves || command === 'stdio')) {
      const { superviseServe, superviseStdio } = await import('./supervise.ts');
      return await (serves ? superviseServe(argv) : superviseStdio(argv, loaded.config));
    }
    return await run(invocation, loaded, parent);
  } catch (error) {
    const code = reportStartFailure(error, loaded?.config);
    return command === 'healthcheck' ? 1 : code;
  }
}

async function run(
  invocation: Invocation,
  loaded: LoadedConfig,
  parent: ParentLink | undefined,
): Promise<number> {
  switch (invocation.command) {
    case 'serve':
    case 'gateway':
    case 'worker': {
      const { serve } = await import('./serve.ts');
      return serve(loaded.config, parent);
    }
    case 'stdio': {
      const { serveStdio } = await import('./serve-stdio.ts');
      return serveStdio(loaded.config, parent);
    }
    case 'tools': {
      const { listTools } = await import('./list-tools.ts');
      return listTools(loaded.config);
    }
    case 'call': {
      const { callTool } = await import('./call-tool.ts');
      return callTool(invocation, loaded);
    }
    case 'pin': {
      const { pinTools } = await import('./pin-tools.ts');
      return pinTools(loaded.config, invocation.server);
    }
    case 'healthcheck': {
      const { checkHealth } = await import('./healthcheck.ts');
      return checkHealth(loaded.config);
    }
    case 'init': {
      const { init } = await import('./init/init.ts');
      return init(invocation.folder ?? '.');
    }
    case 'print-config':
      process.stdout.write(`${explainConfig(loaded)}\n`);
      return 0;
    default:
      return invocation.command satisfies never;
  }
}
