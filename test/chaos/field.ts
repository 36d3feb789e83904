/**
 * What a run acts on: a gateway over HTTP, one over stdio, a second one over stdio for the poisoners, and clients of
 * them for the faults and for the control calls.
 *
 * F1. A process that dies is started again, and counted; calls know by the number of deaths that theirs is gone.
 * F2. Over stdio all calls are one caller's, who may find what it left behind: poisoners have a process of their own.
 */
import { HttpCalls } from './clients/http-calls.ts';
import { McpHttpCalls } from './clients/mcp-http-calls.ts';
import type { Transport, TransportName } from './clients/transport.ts';
import { WebSocketCalls } from './clients/websocket-calls.ts';
import type { Ledger } from './ledger.ts';
import { HttpGateway } from './system/http-gateway.ts';
import { StdioServer } from './system/stdio-server.ts';

export interface FieldOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly node?: string | undefined;
  readonly transports: readonly TransportName[];
  /** Whether poisoners take part. */
  readonly poisons: boolean;
}

/** Which of the processes serves a call. */
export type Host = 'http' | 'stdio' | 'poisoned stdio';

export class Field {
  readonly http: HttpGateway;
  readonly stdio: StdioServer;
  readonly poisonedStdio: StdioServer;
  readonly faults: Readonly<Record<TransportName, Transport>>;
  readonly controls: Readonly<Record<TransportName, Transport>>;
  /** For bursts of control calls, on connections of their own: kept ones would look like files that are lost. */
  readonly probes: Readonly<Record<TransportName, Transport>>;
  readonly mcpSessions: McpHttpCalls;
  readonly hosts: readonly Host[];
  readonly #ledger: Ledger;
  readonly #deaths: Record<Host, number> = { http: 0, stdio: 0, 'poisoned stdio': 0 };
  readonly #starts: Record<Host, Promise<void>>;

  constructor(options: FieldOptions, ledger: Ledger) {
    const { env, node, transports, poisons } = options;
    this.#ledger = ledger;
    const watched = (host: Host) => ({
      env,
      node,
      onDeath: (how: string, words: string) => this.#died(host, how, words),
    });
    this.http = new HttpGateway(watched('http'));
    this.stdio = new StdioServer(watched('stdio'));
    this.poisonedStdio = new StdioServer(watched('poisoned stdio'));
    this.mcpSessions = new McpHttpCalls('mcp-sessions', this.http);
    const clients = (keeps: boolean, sessions: McpHttpCalls): Record<TransportName, Transport> => ({
      rest: new HttpCalls('rest', this.http, keeps),
      sse: new HttpCalls('sse', this.http, keeps),
      ndjson: new HttpCalls('ndjson', this.http, keeps),
      websocket: new WebSocketCalls(this.http, keeps),
      'mcp-sessions': sessions,
      'mcp-stateless': new McpHttpCalls('mcp-stateless', this.http),
      'mcp-stdio': this.stdio.calls,
    });
    this.faults = clients(false, this.mcpSessions);
    const controlSessions = new McpHttpCalls('mcp-sessions', this.http);
    this.controls = clients(true, controlSessions);
    this.probes = clients(false, controlSessions);
    const hasStdio = transports.includes('mcp-stdio');
    const hasHttp = transports.some((name) => name !== 'mcp-stdio');
    this.hosts = [
      ...(hasHttp ? (['http'] as const) : []),
      ...(hasStdio ? (['stdio'] as const) : []),
      ...(hasStdio && poisons ? (['poisoned stdio'] as const) : []),
    ];
    const nothing = Promise.resolve();
    this.#starts = { http: nothing, stdio: nothing, 'poisoned stdio': nothing };
  }

  async start(): Promise<void> {
    for (const host of this.hosts) this.#starts[host] = this.programOf(host).start();
    await Promise.all(Object.values(this.#starts));
  }

  programOf(host: Host): HttpGateway | StdioServer {
    if (host === 'http') return this.http;
    return host === 'stdio' ? this.stdio : this.poisonedStdio;
  }

  hostOf(transport: TransportName, isPoison = false): Host {
    if (transport !== 'mcp-stdio') return 'http';
    return isPoison ? 'poisoned stdio' : 'stdio';
  }

  deathsOf(host: Host): number {
    return this.#deaths[host];
  }

  /** Waits until the process serves, where it has just died. @throws {Error} when it cannot be started again. */
  ready(host: Host): Promise<void> {
    return this.#starts[host];
  }

  #died(host: Host, how: string, lastWords: string): void {
    this.#deaths[host]++;
    const isHere = ({ transport }: { transport: TransportName }) =>
      (transport === 'mcp-stdio') === (host !== 'http');
    this.#ledger.violate(
      'process deaths',
      `${host}: ${how}; ${lastWords}`,
      this.#ledger.suspects().filter(isHere),
    );
    if (host === 'http')
      for (const clients of [this.faults, this.controls])
        for (const calls of Object.values(clients)) if (calls instanceof McpHttpCalls) calls.forget();
    this.#starts[host] = this.programOf(host).start();
    this.#starts[host].catch(() => {});
  }

  /** Gives up what clients hold open, so that the processes can be looked at in peace. */
  async quiet(): Promise<void> {
    for (const clients of [this.faults, this.controls])
      for (const calls of Object.values(clients)) if (calls.name !== 'mcp-stdio') await calls.close();
  }
}
