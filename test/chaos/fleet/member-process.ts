/**
 * A gateway or a worker host of a fleet as a process of its own, with a network of its own to Redis; it is killed,
 * frozen and started again by the nemesis.
 *
 * P1. It keeps its port, so that clients find it again.
 * P2. An end that nobody asked for is a death, and told.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../support/gateway-process.ts';
import { TcpProxy } from './tcp-proxy.ts';

const PROGRAM = fileURLToPath(new URL('../../../bin/mcp-streaming-gateway.cjs', import.meta.url));
const TOOLS = fileURLToPath(new URL('./fleet-tools.js', import.meta.url));
const KEPT_STDERR = 16_384;

export interface MemberOptions {
  readonly name: string;
  readonly role: 'gateway' | 'worker';
  readonly env: Readonly<Record<string, string>>;
  /** The port of Redis, for its network. */
  readonly redisPort: () => number;
  /** Where it finds Redis. @param port of its network. */
  readonly redisUrl: (port: number) => string;
  onDeath(name: string, how: string): void;
}

export class MemberProcess {
  readonly name: string;
  readonly role: 'gateway' | 'worker';
  readonly port: number;
  readonly proxy: TcpProxy;
  readonly #options: MemberOptions;
  #child: ChildProcess | null = null;
  #stderr = '';

  private constructor(options: MemberOptions, port: number, proxy: TcpProxy) {
    this.name = options.name;
    this.role = options.role;
    this.port = port;
    this.proxy = proxy;
    this.#options = options;
  }

  static async open(options: MemberOptions): Promise<MemberProcess> {
    const proxy = await TcpProxy.open(options.redisPort);
    const member = new MemberProcess(options, await freePort(), proxy);
    member.start();
    return member;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get isRunning(): boolean {
    return this.#child !== null;
  }

  /** What it said on stderr lately. */
  get stderr(): string {
    return this.#stderr;
  }

  start(): void {
    const { role, env, redisUrl } = this.#options;
    const { PATH = '', HOME = '' } = process.env;
    const flags = [role, '--port', `${this.port}`, ...(role === 'worker' ? ['--tools', TOOLS] : [])];
    const child = spawn(process.execPath, [PROGRAM, ...flags], {
      env: { PATH, HOME, REDIS_URL: redisUrl(this.proxy.port), ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-KEPT_STDERR);
    });
    child.once('exit', (code, signal) => {
      if (this.#child !== child) return;
      this.#child = null;
      this.#options.onDeath(this.name, `${code ?? signal}: ${this.#stderr.slice(-500)}`);
    });
  }

  /** SIGKILL, or SIGTERM with SIGKILL behind it; settles when it is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child) return;
    const gone = once(child, 'exit');
    const kill = setTimeout(() => child.kill('SIGKILL'), 30_000);
    child.kill(signal);
    await gone;
    clearTimeout(kill);
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  async isUp(): Promise<boolean> {
    try {
      const response = await fetch(`${this.url}/health`, { signal: AbortSignal.timeout(2000) });
      const health = (await response.json()) as { status: string; redis?: string };
      return response.ok && (this.role === 'worker' || health.status === 'ok');
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    this.thaw();
    await this.end('SIGKILL');
    this.proxy.close();
  }
}
