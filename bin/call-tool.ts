/**
 * `call`: runs one tool here. On stdout one JSON line a chunk, error and end; progress on stderr.
 */
import type { LoadedConfig } from '../lib/config/load.ts';
import { createGateway } from '../lib/index.ts';
import { type Invocation, USAGE_ERROR } from './command-line.ts';
import { exit } from './exit.ts';
import { ProgressBar } from './progress-bar.ts';
import { onSignal } from './shutdown.ts';

export async function callTool(
  { tool = '', json = '{}' }: Invocation,
  loaded: LoadedConfig,
): Promise<number> {
  const given = parsedArguments(json);
  if (typeof given === 'string') {
    process.stderr.write(`mcp-streaming-gateway: ${given}\n`);
    return USAGE_ERROR;
  }
  const { config, origins } = loaded;
  const cancel = new AbortController();
  let isCalling = false;
  // Before anything is started: what a mounted server has started must not stay behind.
  onSignal(() => (isCalling ? cancel.abort() : void exit(1)));
  const gateway = await createGateway({
    ...config,
    minWorkers: 1,
    // The end is on stdout already.
    logLevel: origins.logLevel === 'default' ? 'WARNING' : config.logLevel,
  });
  await gateway.settled();
  isCalling = true;
  const bar = new ProgressBar(process.stderr);
  const call = gateway.call(tool, given, { signal: cancel.signal });
  const end = await gateway.print(call, {
    output: process.stdout,
    onProgress: (progress) => bar.show(progress),
    around: (write) => bar.around(write),
  });
  bar.clear();
  await gateway.close();
  return end.type === 'result' ? 0 : 1;
}

/** The arguments, or the sentence that says what is wrong with them. */
function parsedArguments(json: string): Readonly<Record<string, unknown>> | string {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    return `the arguments are no JSON (${(error as Error).message}); write them like '{"to": 100}'`;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  return `the arguments are ${json}; expected a JSON object like '{"to": 100}'`;
}
