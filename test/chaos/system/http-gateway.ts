/** `serve` under chaos: on a free port, with keys for the faults and another for the control calls. */
import { freePort } from '../../support/gateway-process.ts';
import { HOST, type HttpTarget } from '../clients/transport.ts';
import { HeapInspector } from './heap-inspector.ts';
import { figuresOf, type ProcessFigures } from './process-figures.ts';
import { Program } from './program.ts';

export const FAULT_KEY = 'key-of-the-faults';
export const CONTROL_KEY = 'key-of-the-control';
/** Poisoners: several, so that a poisoned thread passes between them, too. */
export const POISON_KEYS = ['key-of-poisoner-1', 'key-of-poisoner-2', 'key-of-poisoner-3'];

export interface GatewayOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly node?: string | undefined;
  onDeath(how: string, lastWords: string): void;
}

export interface Health {
  readonly status: string;
  readonly workers: Readonly<
    Record<'min' | 'max' | 'alive' | 'busy' | 'idle' | 'starting' | 'restarts', number>
  >;
  readonly queue: { readonly depth: number };
}

export class HttpGateway implements HttpTarget {
  port = 0;
  readonly #options: GatewayOptions;
  #program: Program | undefined;

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  get isAlive(): boolean {
    return this.#program?.isAlive ?? false;
  }

  get pid(): number {
    if (!this.#program) throw new Error('the gateway was not started');
    return this.#program.pid;
  }

  /** Starts it, again where it has died, and waits until its threads have loaded the tools. */
  async start(): Promise<void> {
    this.port = await freePort();
    const keys = [FAULT_KEY, CONTROL_KEY, ...POISON_KEYS].join(',');
    const program = new Program({
      ...this.#options,
      command: 'serve',
      env: { ...this.#options.env, API_KEY: keys, PORT: String(this.port) },
    });
    this.#program = program;
    for (;;) {
      if (!program.isAlive) throw new Error(`the gateway did not start: ${program.lastWords()}`);
      const health = await this.health().catch(() => undefined);
      if (health?.status === 'ok') return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** @throws {Error} when it does not answer within `withinMs`, or otherwise than /health may. */
  async health(withinMs = 5000): Promise<Health> {
    return (await this.#get('/health', withinMs, [200, 503])) as Health;
  }

  async callsInFlight(): Promise<number> {
    return ((await this.#get('/', 5000)) as { calls: { inFlight: number } }).calls.inFlight;
  }

  /** `GET /stats`, as far as the soak looks into it. */
  async stats(): Promise<{ workers: { heapUsedBytes: number }[] }> {
    return (await this.#get('/stats', 5000)) as { workers: { heapUsedBytes: number }[] };
  }

  /** For looks into its own thread's heap; its `env` has to make it INSPECTABLE. */
  inspector(): Promise<HeapInspector> {
    return HeapInspector.open(this.pid, () => this.#program?.stderr ?? '');
  }

  figures(): ProcessFigures {
    return figuresOf(this.pid);
  }

  async end(): Promise<number | string> {
    const program = this.#program;
    return program ? program.end(() => program.child.kill('SIGTERM'), 30_000) : 'never started';
  }

  async #get(path: string, withinMs: number, statuses: readonly number[] = [200]): Promise<unknown> {
    const response = await fetch(`http://${HOST}:${this.port}${path}`, {
      headers: { 'x-api-key': CONTROL_KEY, connection: 'close' },
      signal: AbortSignal.timeout(withinMs),
    });
    const body = await response.text();
    if (!statuses.includes(response.status)) throw new Error(`${path} answered ${response.status}`);
    return JSON.parse(body);
  }
}
