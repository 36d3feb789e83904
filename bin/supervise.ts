/** `--supervise`: this process keeps a gateway alive instead of being one. */
import { fileURLToPath } from 'node:url';
import type { Config } from '../lib/config/options.ts';
import { SocketHandover } from '../lib/supervise/socket-handover.ts';
import { GATEWAY_GONE_MS, StdioHandover } from '../lib/supervise/stdio/stdio-handover.ts';
import { Supervisor } from '../lib/supervise/supervisor.ts';
import { onSignal } from './shutdown.ts';

const PROGRAM = fileURLToPath(new URL('./supervised.js', import.meta.url));

/** @param args the command line as it came. @returns the exit code. */
export function superviseServe(args: readonly string[]): Promise<number> {
  const supervisor = new Supervisor({ program: PROGRAM, args, handover: new SocketHandover(), say });
  stopOnSignals(supervisor, () => {});
  return supervisor.run();
}

/** @param args the command line as it came. @returns the exit code. */
export function superviseStdio(args: readonly string[], { maxBodyBytes }: Config): Promise<number> {
  const { stdin, stdout } = process;
  const onLeft = (ms: number) => supervisor.endWithin(ms);
  const handover = new StdioHandover({ stdin, stdout, maxLineBytes: maxBodyBytes, onLeft });
  const supervisor = new Supervisor({ program: PROGRAM, args, handover, say });
  stopOnSignals(supervisor, () => onLeft(GATEWAY_GONE_MS));
  return supervisor.run();
}

function stopOnSignals(supervisor: Supervisor, atFirst: () => void): void {
  onSignal(
    (signal) => {
      supervisor.stop(signal);
      atFirst();
    },
    () => supervisor.stopNow(),
  );
}

const say = (line: string): void => void process.stderr.write(`mcp-streaming-gateway: ${line}\n`);
