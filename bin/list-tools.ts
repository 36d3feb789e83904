/** `tools`: a line for each tool. */
import type { Config } from '../lib/config/options.ts';
import { createGateway } from '../lib/index.ts';

export async function listTools(config: Config): Promise<number> {
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
