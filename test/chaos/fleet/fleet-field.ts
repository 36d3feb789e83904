/** What a run acts on: a Redis, gateways and hosts as processes, each with a network of its own, and clients. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisServer } from '../../fleet/redis-server.ts';
import type { Random } from '../random.ts';
import { McpWireClient } from './mcp-wire-client.ts';
import { MemberProcess } from './member-process.ts';
import { ObservedCall, type Promised, type Start } from './observed-call.ts';
import { PatientClient } from './patient-client.ts';
import { RedisSet, type Topology } from './redis-set.ts';
import type { Format } from './wires.ts';

const KEY = 'a-key-of-the-chaos-fleet';
const FORMATS: readonly (Format | 'mcp')[] = ['sse', 'sse', 'ndjson', 'websocket', 'mcp'];
export const MAX_STARTS = 2;

/** Somebody who makes one call, and comes back for it. */
export interface ChaosClient {
  run(): Promise<void>;
  /** Another reader of the same client takes the call over. */
  steal(): void;
  drop(): void;
  cancel(): Promise<void>;
  leave(): void;
}

export interface FieldOptions {
  readonly gateways: number;
  readonly hosts: number;
  readonly random: Random;
  readonly env?: Readonly<Record<string, string>>;
  /** Seconds; default 2. */
  readonly lease?: number;
  /** Default: one Redis. */
  readonly topology?: Topology;
  /** @param call the one that broke it, where it is one's. */
  violate(promise: Promised, text: string, call?: ObservedCall): void;
}

export interface WantedCall {
  readonly isOnce: boolean;
  readonly isStream?: boolean;
  /** Of its stream; default SSE. */
  readonly format?: Format | 'mcp';
  readonly count: number;
  readonly everyMs: number;
  readonly size?: number;
  /** It goes on until this file is there. */
  readonly until?: string;
  /** Seconds that it waits for its reader. */
  readonly detach?: number;
}

export interface BegunCall {
  readonly call: ObservedCall;
  readonly client: ChaosClient;
  readonly done: Promise<void>;
}

export class FleetField {
  readonly store: RedisSet;
  readonly gateways: readonly MemberProcess[];
  readonly hosts: readonly MemberProcess[];
  readonly leaseMs: number;
  readonly calls: ObservedCall[] = [];
  #healedAt: number | null = null;
  #files = 0;
  readonly #folder: string;
  readonly #options: FieldOptions;
  readonly #clients = new Set<ChaosClient>();

  private constructor(
    options: FieldOptions,
    folder: string,
    store: RedisSet,
    members: readonly MemberProcess[],
  ) {
    this.#options = options;
    this.#folder = folder;
    this.leaseMs = leaseOf(options) * 1000;
    this.store = store;
    this.gateways = members.filter(({ role }) => role === 'gateway');
    this.hosts = members.filter(({ role }) => role === 'worker');
  }

  static async open(options: FieldOptions): Promise<FleetField> {
    const folder = mkdtempSync(join(tmpdir(), 'fleet-chaos-'));
    const store = await RedisSet.open(options.topology ?? 'single');
    const env = {
      API_KEY: KEY,
      LEASE: `${leaseOf(options)}`,
      ORPHAN_GRACE: '8',
      MAX_STARTS: `${MAX_STARTS}`,
      RESUME_TTL: '300',
      MIN_WORKERS: '1',
      MAX_WORKERS: '2',
      CALLS_PER_WORKER: '4',
      DRAIN_TIMEOUT: '1',
      RETRIES: '0',
      BREAKER: 'off',
      LOG_LEVEL: 'ERROR',
      CONSOLE: 'off',
      DATA_DIR: folder,
      ...options.env,
    };
    const open = (role: 'gateway' | 'worker', at: number) =>
      MemberProcess.open({
        name: `${role}-${at}`,
        role,
        env,
        redisPort: () => store.active.port,
        redisUrl: (port) => store.url(port),
        onDeath: (name, how) => options.violate('process deaths', `${name}: ${how}`),
      });
    const members = await Promise.all([
      ...Array.from({ length: options.hosts }, (_, at) => open('worker', at)),
      ...Array.from({ length: options.gateways }, (_, at) => open('gateway', at)),
    ]);
    const field = new FleetField(options, folder, store, members);
    await field.whole();
    return field;
  }

  /** The one that members talk to. */
  get redis(): RedisServer {
    return this.store.active;
  }

  get members(): readonly MemberProcess[] {
    return [...this.gateways, ...this.hosts];
  }

  /** For how many milliseconds all has been whole; 0: not yet. */
  get healedMs(): number {
    return this.#healedAt === null ? 0 : performance.now() - this.#healedAt;
  }

  /** Nothing more is broken: waits until all is up. */
  async heal(): Promise<void> {
    await this.store.whole();
    await this.whole();
    this.#healedAt = performance.now() - 1;
  }

  get #log(): string {
    return join(this.#folder, 'starts');
  }

  /** Waits until every member is up. @throws {Error} when one does not come up. */
  async whole(): Promise<void> {
    for (const member of this.members)
      for (let tries = 0; !(await member.isUp()); tries++) {
        if (tries > 900) throw new Error(`${member.name} does not come up: ${member.stderr.slice(-2000)}`);
        await sleep(100);
      }
  }

  anyClient(): ChaosClient | undefined {
    const clients = [...this.#clients];
    return clients.length === 0 ? undefined : this.#options.random.pick(clients);
  }

  /** Makes one call and follows it to its end. */
  async call(random: Random): Promise<void> {
    const isOnce = random.next() < 0.5;
    const isStream = random.next() < 0.8;
    const isBulky = isStream && random.next() < 0.15;
    const count = isBulky ? 60 : random.int(1, 60);
    const everyMs = isBulky ? 5 : random.pick([0, 2, 20, 80]);
    const format = random.pick(FORMATS);
    await this.begin(random, { isOnce, isStream, format, count, everyMs, size: isBulky ? 48 * 1024 : 20 })
      .done;
  }

  /** Makes one call as it is described. */
  begin(
    random: Random,
    { isOnce, isStream = true, format = 'sse', count, everyMs, size = 20, until, detach = 60 }: WantedCall,
  ): BegunCall {
    const name = random.nonce();
    const call = new ObservedCall({ name, isOnce, count }, (promise, text) =>
      this.#options.violate(promise, text, call),
    );
    this.calls.push(call);
    const options = {
      gateways: this.gateways.map(({ url }) => url),
      key: KEY,
      random,
      call,
      tool: isOnce ? 'fleet_once' : 'fleet_again',
      args: { log: this.#log, name, count, everyMs, size, until },
      healedMs: () => this.healedMs,
    };
    const client: ChaosClient =
      isStream && format === 'mcp'
        ? new McpWireClient(options)
        : new PatientClient({ ...options, detach, isStream, format: format as Format });
    this.#clients.add(client);
    const began = performance.now();
    const done = client.run().then(() => {
      call.lifeMs = performance.now() - began;
      this.#clients.delete(client);
    });
    return { call, client, done };
  }

  /** Asks a gateway for the answer of a call. */
  post(gateway: MemberProcess, tool: string, args: object): Promise<Response> {
    return fetch(`${gateway.url}/tools/${tool}`, {
      method: 'POST',
      headers: { 'X-API-Key': KEY, 'Content-Type': 'application/json' },
      body: JSON.stringify({
        arguments: { log: this.#log, name: 'plain', count: 1, everyMs: 0, size: 1, ...args },
      }),
    });
  }

  /** Asks for the events of a call behind one. @returns the status. */
  async events(gateway: MemberProcess, callId: string | null, after: number): Promise<number> {
    const response = await fetch(`${gateway.url}/calls/${callId}/events?after=${after}`, {
      headers: { 'X-API-Key': KEY },
    });
    await response.arrayBuffer();
    return response.status;
  }

  /** The path of a file that is not there yet: for calls that go on until it is. */
  newFile(): string {
    return join(this.#folder, `file-${++this.#files}`);
  }

  /** When the runs of a call have stopped, in milliseconds since 1970. */
  stopsOf({ name }: ObservedCall): number[] {
    const log = readFileSync(this.#log, 'utf8');
    return [...log.matchAll(new RegExp(`^stop ${name} \\w+ (\\d+)$`, 'gm'))].map(([, at]) => Number(at));
  }

  /** The runs of each call that started, by its name. */
  starts(): ReadonlyMap<string, readonly Start[]> {
    const starts = new Map<string, Start[]>();
    const log = existsSync(this.#log) ? readFileSync(this.#log, 'utf8') : '';
    for (const line of log.split('\n')) {
      const [what, name = '', run = '', at] = line.split(' ');
      if (what === 'start') starts.set(name, [...(starts.get(name) ?? []), { run, at: Number(at) }]);
    }
    return starts;
  }

  startsOf({ name }: ObservedCall): readonly Start[] {
    return this.starts().get(name) ?? [];
  }

  /** The state of a call, for whoever has to find out. */
  async whatRedisSays(callId: string | null): Promise<string> {
    const fields = ['st', 'ep', 'seq', 'h', 'hb', 'gw', 'out', 'ack', 'end', 'ev'];
    let values: readonly unknown[] = [];
    for (const node of this.store.nodes) // all but one of a Cluster refuse
      values = await (node.ask('hmget', `mg:{${callId}}:m`, ...fields) as Promise<unknown[]>).catch(
        () => values,
      );
    return fields.map((field, at) => `${field} ${values[at]}`).join(', ');
  }

  /** What the gateways tell of the fleet. */
  async cluster(
    gateway: MemberProcess,
  ): Promise<{ readonly busy: number; readonly depth: number; readonly hosts: number }> {
    const response = await fetch(`${gateway.url}/stats`, { headers: { 'X-API-Key': KEY } });
    const stats = (await response.json()) as Record<string, unknown>;
    const found = clusterIn(stats);
    if (!found) throw new Error(`no cluster in ${JSON.stringify(stats).slice(0, 300)}`);
    return found as never;
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.close()));
    await this.store.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const leaseOf = ({ lease = 2 }: FieldOptions): number => lease;

/** Wherever it stands. */
function clusterIn(value: unknown): object | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if ('cluster' in value) return value.cluster as object;
  for (const one of Object.values(value)) {
    const found = clusterIn(one);
    if (found) return found;
  }
  return undefined;
}
