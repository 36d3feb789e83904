/** `pin`: takes the tools of pinned servers as they are now, and says so. */
import type { Config } from '../lib/config/options.ts';
import { createGateway } from '../lib/index.ts';
import { exit } from './exit.ts';
import { onSignal } from './shutdown.ts';

export async function pinTools(config: Config, server: string | undefined): Promise<number> {
  onSignal(() => void exit(1));
  const gateway = await createGateway({ ...config, minWorkers: 1 });
  const accepted = Object.entries(await gateway.acceptChanges(server));
  for (const [name, tools] of accepted)
    process.stdout.write(`${name}: ${tools} tools are accepted as they are\n`);
  await gateway.close();
  if (accepted.length > 0) return 0;
  const what = server === undefined ? 'no mounted server has "pin": true' : `no server is named "${server}"`;
  process.stderr.write(`mcp-streaming-gateway: ${what}\n`);
  return 1;
}
