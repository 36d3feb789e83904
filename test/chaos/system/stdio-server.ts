/** `stdio` under chaos, and its client. */
import { createInterface } from 'node:readline';
import type { StdioPipes } from '../clients/mcp-stdio-calls.ts';
import { McpStdioCalls } from '../clients/mcp-stdio-calls.ts';
import type { GatewayOptions } from './http-gateway.ts';
import { figuresOf, type ProcessFigures } from './process-figures.ts';
import { Program } from './program.ts';

export class StdioServer {
  readonly calls = new McpStdioCalls();
  readonly #options: GatewayOptions;
  #program: Program | undefined;

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  get isAlive(): boolean {
    return this.#program?.isAlive ?? false;
  }

  get pid(): number {
    if (!this.#program) throw new Error('the stdio server was not started');
    return this.#program.pid;
  }

  async start(): Promise<void> {
    const program = new Program({
      ...this.#options,
      command: 'stdio',
      onDeath: (how, words) => {
        pipes.onGone();
        this.#options.onDeath(how, words);
      },
    });
    const { stdin, stdout } = program.child;
    if (!stdin || !stdout) throw new Error('the stdio server has no pipes');
    const pipes: StdioPipes = {
      write: (line) => {
        stdin.write(line);
        stdin.write('\n');
      },
      pause: () => stdout.pause(),
      resume: () => stdout.resume(),
      onLine: () => {},
      onGone: () => {},
    };
    createInterface(stdout).on('line', (line) => pipes.onLine(line));
    this.#program = program;
    this.calls.attach(pipes);
    await this.calls.initialize();
  }

  figures(): ProcessFigures {
    return figuresOf(this.pid);
  }

  /** Ends its stdin. @returns its exit code, and how long the exit took. */
  async end(): Promise<{ how: number | string; ms: number }> {
    const program = this.#program;
    if (!program) return { how: 'never started', ms: 0 };
    const at = performance.now();
    const how = await program.end(() => program.child.stdin?.end(), 30_000);
    return { how, ms: performance.now() - at };
  }
}
