/**
 * Runs the compiled programs as a person does: as processes of their own, with an environment of their own.
 *
 * R1. No variable of this process reaches them but PATH; their data folder is a fresh one.
 * R2. `stop()` ends whatever is still running, so that a failed test leaves nothing behind.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAMS = {
  main: fileURLToPath(new URL('../../bin/mcp-streaming-gateway.js', import.meta.url)),
  stdio: fileURLToPath(new URL('../../bin/stdio.js', import.meta.url)),
  /** What package.json names. */
  bin: fileURLToPath(new URL('../../bin/mcp-streaming-gateway.cjs', import.meta.url)),
} as const;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningProgram {
  readonly process: ChildProcessWithoutNullStreams;
  /** Resolves when stderr has said something that fits; rejects when the program ends without. */
  said(pattern: RegExp): Promise<RegExpMatchArray>;
  readonly ended: Promise<Ended>;
}

export class Programs {
  readonly folder = mkdtempSync(join(tmpdir(), 'gateway-cli-'));
  readonly #running = new Set<RunningProgram>();

  start(
    args: readonly string[],
    { env = {}, program = 'main' }: { env?: Record<string, string>; program?: keyof typeof PROGRAMS } = {},
  ): RunningProgram {
    const child = spawn(process.execPath, [PROGRAMS[program], ...args], {
      cwd: this.folder,
      env: { PATH: process.env['PATH'], DATA_DIR: join(this.folder, 'data'), ...env },
      stdio: 'pipe',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    const running: RunningProgram = {
      process: child,
      ended: once(child, 'close').then(([code, signal]) => {
        this.#running.delete(running);
        return { code, signal, stdout, stderr };
      }),
      said: async (pattern) => {
        for (;;) {
          const match = stderr.match(pattern);
          if (match) return match;
          if (child.exitCode !== null || child.signalCode !== null) {
            throw new Error(`the program ended without saying ${pattern}:\n${stderr}`);
          }
          await Promise.race([once(child.stderr, 'data'), running.ended]);
        }
      },
    };
    this.#running.add(running);
    return running;
  }

  /** The file of a program, for clients that start it themselves. */
  programOf(program: keyof typeof PROGRAMS): string {
    return PROGRAMS[program];
  }

  /** Resident memory of a program in MiB, from /proc. */
  memoryMib({ process: { pid } }: RunningProgram): number {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  }

  /** Runs a program to its end. */
  async run(
    args: readonly string[],
    options: { env?: Record<string, string>; input?: string } = {},
  ): Promise<Ended> {
    const program = this.start(args, options);
    program.process.stdin.end(options.input ?? '');
    return program.ended;
  }

  async stop(): Promise<void> {
    const running = [...this.#running];
    for (const { process: child } of running) child.kill('SIGKILL');
    await Promise.all(running.map(({ ended }) => ended));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whether a process runs; one that has ended and waits to be collected does not. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
