/**
 * The compiled command line in a process of its own, as a user starts it: for tests of what only a process shows
 * (signals, exit codes, memory, kill -9).
 *
 * G1. It listens on a free port of 127.0.0.1 and keeps its data in a folder of its own, unless told otherwise.
 * G2. Nothing of this process's environment that configures a gateway reaches it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/mcp-streaming-gateway.js', import.meta.url));

export const KEY = 'super-secret';

export interface GatewayProcess {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  readonly child: ChildProcess;
  /** Everything it wrote to stderr so far. */
  stderr(): string;
  /** Resident memory in MiB, from /proc. */
  memoryMib(): number;
  /** Sends the signal. @returns the exit code, or the signal's name, once the process has ended. */
  end(signal?: NodeJS.Signals): Promise<number | string>;
}

export interface GatewayProcessOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default: a new folder, removed when the process has ended. */
  readonly dataDir?: string;
}

const CLEAN_ENV = Object.fromEntries(
  ['PATH', 'HOME', 'TMPDIR', 'LANG'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  }),
);

/** Starts the command and waits until it answers /health. @throws {Error} with its stderr when it ends instead. */
export async function startGatewayProcess(options: GatewayProcessOptions = {}): Promise<GatewayProcess> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'gateway-data-'));
  const child = spawn(process.execPath, [BIN, ...(options.args ?? [])], {
    env: { ...CLEAN_ENV, PORT: String(port), DATA_DIR: dataDir, ...options.env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([code, signal]) => {
    if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    return (code ?? signal) as number | string;
  });
  let running = true;
  void ended.then(() => {
    running = false;
  });
  while (!(await answers(`${url}/health`))) {
    if (!running) throw new Error(`the gateway ended with ${await ended}:\n${stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return {
    url,
    port,
    dataDir,
    child,
    stderr: () => stderr,
    memoryMib() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
    },
    end(signal = 'SIGTERM') {
      if (running) child.kill(signal);
      return ended;
    },
  };
}

/** Runs the command to its end. @param signal ends it before. */
export async function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { ...CLEAN_ENV, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  signal?.addEventListener('abort', () => child.kill('SIGTERM'));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

let ports = 0;

/**
 * A port that stays free until it is used: none that the system gives to whoever asks for any, and none of those that the
 * other process of the tests takes.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + (process.pid % 200) * 100 + (ports++ % 100);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
