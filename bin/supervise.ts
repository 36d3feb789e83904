/** `--supervise`: this process keeps a gateway alive instead of being one. */
import { fileURLToPath } from 'node:url';
import { SocketHandover } from '../lib/supervise/socket-handover.ts';
import { Supervisor } from '../lib/supervise/supervisor.ts';
import { onSignal } from './shutdown.ts';

const PROGRAM = fileURLToPath(new URL('./supervised.js', import.meta.url));

/** @param args the command line as it came. @returns the exit code. */
export function superviseServe(args: readonly string[]): Promise<number> {
  const supervisor = new Supervisor({ program: PROGRAM, args, handover: new SocketHandover(), say });
  onSignal(
    (signal) => supervisor.stop(signal),
    () => supervisor.stopNow(),
  );
  return supervisor.run();
}

const say = (line: string): void => void process.stderr.write(`mcp-streaming-gateway: ${line}\n`);
