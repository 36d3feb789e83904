/** `--supervise`: this process keeps a gateway alive instead of being one. */
import { fileURLToPath } from 'node:url';
import type { Config } from '../lib/config/options.ts';
import { SocketHandover } from '../lib/supervise/socket-handover.ts';
import { StdioHandover } from '../lib/supervise/stdio/stdio-handover.ts';
import { Supervisor } from '../lib/supervise/supervisor.ts';
import { onSignal } from './shutdown.ts';

const PROGRAM = fileURLToPath(new URL('./supervised.js', import.meta.url));

/** A client that left has nothing of it running three seconds later. */
const ALL_GONE_MS = 2900;

/** @param args the command line as it came. @returns the exit code. */
export function superviseServe(args: readonly string[]): Promise<number> {
  const supervisor = new Supervisor({ program: PROGRAM, args, handover: new SocketHandover(), say });
  stopOnSignals(supervisor, () => {});
  return supervisor.run();
}

/** @param args the command line as it came. @returns the exit code. */
export function superviseStdio(args: readonly string[], { maxBodyBytes }: Config): Promise<number> {
  const { stdin, stdout } = process;
  const left = () => supervisor.endWithin(ALL_GONE_MS);
  const handover = new StdioHandover({ stdin, stdout, maxLineBytes: maxBodyBytes, onLeft: left });
  const supervisor = new Supervisor({ program: PROGRAM, args, handover, say });
  stopOnSignals(supervisor, left);
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
