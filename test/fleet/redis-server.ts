/** A Redis of the tests' own, on a free port; found on PATH or by REDIS_SERVER. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../support/gateway-process.ts';

const PROGRAM = process.env['REDIS_SERVER'] ?? 'redis-server';

/** Why there is none; undefined where there is one. */
export const missingRedis = (): string | undefined =>
  spawnSync(PROGRAM, ['--version']).status === 0
    ? undefined
    : `${PROGRAM} is not there: install redis, or set REDIS_SERVER`;

export class RedisServer {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'fleet-redis-'));
  readonly #flags: readonly string[];
  #process: ChildProcess | null = null;

  private constructor(port: number, flags: readonly string[]) {
    this.port = port;
    this.#flags = flags;
  }

  static async start(flags: readonly string[] = ['--appendonly', 'yes']): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), flags);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const { port } = this;
    const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', this.#folder];
    this.#process = spawn(PROGRAM, [...args, ...this.#flags], { stdio: 'ignore' });
    await this.ask('ping');
  }

  /** Asks it once it answers. */
  async ask(command: string, ...args: readonly (string | number)[]): Promise<unknown> {
    const client = new Redis({
      host: '127.0.0.1',
      port: this.port,
      retryStrategy: () => 20,
      maxRetriesPerRequest: null,
    });
    client.on('error', () => undefined);
    try {
      return await client.call(command, ...args.map(String));
    } finally {
      client.disconnect();
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    const ended = this.#process;
    this.#process = null;
    if (!ended || ended.exitCode !== null) return;
    const gone = new Promise((resolve) => ended.once('exit', resolve));
    ended.kill('SIGKILL');
    await gone;
  }

  /** What it has written last is gone, as after a failover: cuts the end off its file. It must be down. */
  loseTail(bytes: number): void {
    const folder = join(this.#folder, 'appendonlydir');
    const newest = readdirSync(folder)
      .filter((name) => name.endsWith('.incr.aof'))
      .sort()
      .at(-1);
    const file = join(folder, newest ?? '');
    truncateSync(file, Math.max(0, statSync(file).size - bytes));
  }

  /** How much it has written, in bytes. */
  written(): number {
    const folder = join(this.#folder, 'appendonlydir');
    return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
