/**
 * `stdio`: an MCP server on stdin and stdout, for as long as its client lives.
 *
 * S1. Stdout carries JSON-RPC alone: this thread's console goes to stderr.
 * S2. When the client leaves, by any way, the process is gone within three seconds, whatever a tool does. Within them
 *     what runs is answered first, where there is anybody to read that, and then cancelled like any call: tools hear
 *     of it, and have what is left of the time to clean up.
 */
import { Console } from 'node:console';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../lib/config/options.ts';
import { createGateway, type ToolDescriptor } from '../lib/index.ts';
import type { ParentLink } from '../lib/supervise/parent-link.ts';
import { onStop } from './shutdown.ts';

/** From the client's leaving until the tools have stopped, or are stopped. */
const ALL_STOPPED_MS = 2650;
/** What ending the threads may take beyond that. */
const LAST_WORDS_MS = 100;

export async function serveStdio(config: Config, parent?: ParentLink): Promise<number> {
  globalThis.console = new Console(process.stderr, process.stderr);
  const { stdin, stdout } = parent?.clientStreams() ?? process;
  let leftAt: number | undefined;
  const left = new Promise<void>((resolve) => {
    const leave = () => {
      leftAt ??= performance.now();
      resolve();
    };
    onStop(leave, parent);
    stdout.on('error', leave);
  });
  stdin.once('end', () => {
    leftAt ??= performance.now();
  });
  const gateway = await createGateway({ ...config, preload: 'connect', makesCalls: false });
  parent?.ready(
    gateway
      .tools()
      .filter(mayBeRepeated)
      .map(({ name }) => name),
  );
  await Promise.race([gateway.connect({ stdin, stdout }), left]);
  const sinceMs = leftAt === undefined ? 0 : performance.now() - leftAt;
  const graceMs = Math.min(config.cancelGraceMs, Math.max(0, ALL_STOPPED_MS - sinceMs));
  await Promise.race([gateway.close({ drainMs: 0, graceMs }), delay(graceMs + LAST_WORDS_MS)]);
  return 0;
}

const mayBeRepeated = ({ annotations }: ToolDescriptor): boolean =>
  annotations?.idempotentHint === true || annotations?.readOnlyHint === true;
