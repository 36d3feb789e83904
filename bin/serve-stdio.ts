/**
 * `stdio`: an MCP server on stdin and stdout, for as long as its client lives.
 *
 * S1. Stdout carries JSON-RPC alone: this thread's console goes to stderr.
 * S2. When the client leaves, by any way, the process is gone within three seconds, whatever a tool does: there is
 *     nobody to finish for.
 */
import { Console } from 'node:console';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../lib/config/options.ts';
import { createGateway } from '../lib/index.ts';
import { onSignal } from './shutdown.ts';

const LAST_WORDS_MS = 2000;

export async function serveStdio(config: Config): Promise<number> {
  globalThis.console = new Console(process.stderr, process.stderr);
  const left = new Promise<void>((resolve) => {
    onSignal(() => resolve());
    process.stdout.on('error', () => resolve());
  });
  const gateway = await createGateway({ ...config, preload: 'connect' });
  await Promise.race([gateway.connect({ stdin: process.stdin, stdout: process.stdout }), left]);
  await Promise.race([gateway.close({ drainMs: 0 }), delay(LAST_WORDS_MS)]);
  return 0;
}
