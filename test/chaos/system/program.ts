/**
 * The compiled program as a child process: started, watched for its death, started again, ended.
 *
 * P1. An end that nobody asked for is a death; whoever runs the chaos is told at once, with the last words of stderr.
 * P2. Nothing of this process's environment that configures a gateway reaches it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../../bin/mcp-streaming-gateway.js', import.meta.url));
const TOOLS = fileURLToPath(new URL('../tools/chaos-tools.js', import.meta.url));
const KEPT_STDERR = 8192;

export interface ProgramOptions {
  readonly command: 'serve' | 'stdio';
  readonly env: Readonly<Record<string, string>>;
  /** The Node that runs it; default this one. */
  readonly node?: string | undefined;
  onDeath(how: string, lastWords: string): void;
}

export class Program {
  readonly child: ChildProcess;
  readonly #dataDir = mkdtempSync(join(tmpdir(), 'chaos-data-'));
  readonly #ended: Promise<number | string>;
  #stderr = '';
  #isEnding = false;
  #isAlive = true;

  constructor({ command, env, node, onDeath }: ProgramOptions) {
    const { PATH = '', HOME = '', TMPDIR = tmpdir() } = process.env;
    this.child = spawn(node ?? process.execPath, [BIN, command, '--tools', TOOLS], {
      env: { PATH, HOME, TMPDIR, DATA_DIR: this.#dataDir, LOG_LEVEL: 'ERROR', ...env },
      stdio: [command === 'stdio' ? 'pipe' : 'ignore', command === 'stdio' ? 'pipe' : 'ignore', 'pipe'],
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-KEPT_STDERR);
    });
    this.child.stdin?.on('error', () => {});
    // Its pipes may stay open behind it; its exit is what counts.
    this.#ended = once(this.child, 'exit').then(([code, signal]) => {
      this.#isAlive = false;
      rmSync(this.#dataDir, { recursive: true, force: true });
      const how = (code ?? signal) as number | string;
      if (!this.#isEnding) onDeath(`it ended with ${how}`, this.lastWords());
      return how;
    });
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the program could not be started');
    return this.child.pid;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** What it has said on stderr lately. */
  get stderr(): string {
    return this.#stderr;
  }

  /** The line of stderr that says why, where there is one. */
  lastWords(): string {
    const lines = this.#stderr.split('\n').filter((line) => line.trim() !== '');
    return lines.find((line) => /FATAL|Error:|abort/i.test(line)) ?? lines.at(-1) ?? '';
  }

  /** @returns the exit code or the signal's name; SIGKILL after `patienceMs`. */
  async end(act: () => void, patienceMs: number): Promise<number | string> {
    this.#isEnding = true;
    const kill = setTimeout(() => this.child.kill('SIGKILL'), patienceMs);
    act();
    const how = await this.#ended;
    clearTimeout(kill);
    return how;
  }
}
