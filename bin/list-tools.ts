/** `tools`: a line for each tool. */
import type { Config } from '../lib/config/options.ts';
import { createGateway } from '../lib/index.ts';
import { exit } from './exit.ts';
import { onSignal } from './shutdown.ts';

export async function listTools(config: Config): Promise<number> {
  onSignal(() => void exit(1));
  const gateway = await createGateway({ ...config, minWorkers: 1 });
  await gateway.settled();
  const tools = gateway.tools();
  const width = Math.max(0, ...tools.map(({ name }) => name.length));
  const lines = tools.map(
    ({ name, description }) => `${name.padEnd(width)}  ${description.split('\n', 1)[0]}\n`,
  );
  process.stdout.write(lines.join(''));
  await gateway.close();
  return 0;
}
