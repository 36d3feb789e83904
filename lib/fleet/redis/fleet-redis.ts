/**
 * A process's connections to the Redis of its fleet: one for commands, one that listens.
 *
 * R1. `isReady` says whether commands are worth sending: connected, and the server is one that can be relied on. While
 *     it is not, a gateway refuses calls at once and everything heals by itself.
 * R2. A server that would lose calls stops a start, in words that say what to set; one that is found later to be such is
 *     told in the log and not used.
 * R4. A Redis that is another one than before, restarted or a replica, may have lost its last moments: `settled` is true
 *     once those who know what was lost have had the time to say so.
 * R3. Nothing of ioredis is loaded before this is opened.
 */
import { readFileSync } from 'node:fs';
import type { Cluster, Redis, RedisOptions } from 'ioredis';
import { ToolError } from '../../call/tool-error.ts';
import { gatherWrites } from './gathered-writes.ts';
import { Keys } from './keys.ts';
import { scripts } from './scripts.ts';

export interface RedisSettings {
  readonly redisUrl: string;
  readonly redisCa: string | null;
  readonly redisPrefix: string;
}

export interface RedisOpening extends RedisSettings {
  /**
   * True: a command that has no answer is repeated when Redis is back, and fails after ten seconds. False: it fails after
   * two, or with its connection.
   */
  readonly isPatient: boolean;
  readonly log: RedisLog;
}

export type RedisLog = (level: 'info' | 'warning' | 'error', message: string) => void;

/** A script's reply is what its comment says. */
type Script = (...args: readonly (string | number)[]) => Promise<unknown>;

export interface ScriptedRedis {
  readonly fleetOpen: Script;
  readonly fleetBegin: Script;
  readonly fleetAppend: Script;
  readonly fleetFinish: Script;
  readonly fleetRestore: Script;
  readonly fleetBeat: Script;
  readonly fleetCredit: Script;
  readonly fleetAttach: Script;
  readonly fleetAnswer: Script;
  readonly fleetClaim: Script;
  readonly fleetUnclaim: Script;
  readonly fleetShare: Script;
}

export type CommandClient = (Redis | Cluster) & ScriptedRedis;

const COMMAND_TIMEOUT_MS = 2000;
/** What is to be repeated is forgotten by ioredis, and never settled, where the next connection is cut at once as well. */
const PATIENT_TIMEOUT_MS = 10_000;
/** How long a start waits for an answer before it goes on without. */
const START_PATIENCE_MS = 3000;
/** How long all that were connected may need to be so again, and to write again what was lost. */
const SETTLING_MS = 2000;
const OLDEST: readonly [number, number] = [6, 2];

export class FleetRedis {
  readonly keys: Keys;
  readonly isCluster: boolean;
  readonly commands: CommandClient;
  readonly #subscriber: Redis | Cluster;
  readonly #log: RedisLog;
  readonly #readyListeners: (() => void)[] = [];
  readonly #handlers = new Map<string, (message: string) => void>();
  #isChecked = false;
  #fault: string | null = null;
  #readySince = Number.POSITIVE_INFINITY;
  #isListening = false;
  #isClosed = false;
  /** Which server it is, once that is known of this connection. */
  #runId: string | null = null;
  #isIdentified = false;
  #settledAt = 0;
  #lastError = '';

  private constructor(
    { redisPrefix, log }: RedisOpening,
    clients: { commands: CommandClient; subscriber: Redis | Cluster },
    isCluster: boolean,
  ) {
    this.keys = new Keys(redisPrefix);
    this.isCluster = isCluster;
    this.commands = clients.commands;
    this.#subscriber = clients.subscriber;
    this.#log = log;
    this.#watch();
  }

  /**
   * Connects; where Redis does not answer within a moment, it goes on trying by itself.
   * @throws {ToolError} `unavailable` when ioredis is not installed, or the server cannot be relied on.
   */
  static async open(opening: RedisOpening): Promise<FleetRedis> {
    const library = await loadIoredis();
    const { clients, isCluster } = connect(opening, library);
    const redis = new FleetRedis(opening, clients, isCluster);
    await redis.#start();
    return redis;
  }

  /** Whether commands are worth sending. */
  get isReady(): boolean {
    return this.#isChecked && this.#fault === null && this.commands.status === 'ready';
  }

  /** For how long it has been so, in milliseconds; 0 while it is not. */
  get readyMs(): number {
    return this.isReady ? performance.now() - this.#readySince : 0;
  }

  /** Settles when there is nothing to wait for (R4), or it is closed. */
  async settled(): Promise<void> {
    while (!this.#isClosed && !(this.isReady && this.#isIdentified && performance.now() >= this.#settledAt))
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Why it is not ready. */
  get trouble(): string {
    return this.#fault ?? `Redis does not answer${this.#lastError === '' ? '' : ` (${this.#lastError})`}`;
  }

  /** What a call is told that finds it so. */
  refusal(): ToolError {
    return new ToolError('unavailable', 'the queue of the fleet cannot be reached; try again shortly', {
      retryAfterMs: 1000,
      cause: this.trouble,
    });
  }

  /** Calls `listener` whenever messages may have been missed: Redis is ready, or is again. */
  onReady(listener: () => void): void {
    this.#readyListeners.push(listener);
    if (this.isReady && this.#isListening) listener();
  }

  /** Messages of a channel go to `handler`, which must not throw. */
  async subscribe(channel: string, handler: (message: string) => void): Promise<void> {
    this.#handlers.set(channel, handler);
    if (this.#subscriber.status === 'ready') await this.#subscriber.subscribe(channel).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.commands.disconnect();
    this.#subscriber.disconnect();
  }

  #watch(): void {
    const onError = (error: Error) => {
      if (error.message !== '' && error.message !== this.#lastError && !this.#isClosed)
        this.#log('warning', `Redis: ${error.message}`);
      this.#lastError = error.message;
    };
    this.commands.on('error', onError);
    this.#subscriber.on('error', onError);
    this.commands.on('ready', () => void this.#onReady());
    this.commands.on('close', () => {
      this.#readySince = Number.POSITIVE_INFINITY;
      this.#isIdentified = false;
    });
    this.#subscriber.on('ready', () => void this.#onSubscriber());
    this.#subscriber.on('close', () => {
      this.#isListening = false;
    });
    this.#subscriber.on('message', (channel: string, message: string) =>
      this.#handlers.get(channel)?.(message),
    );
  }

  async #start(): Promise<void> {
    const waiting = new Promise<void>((resolve) => {
      this.commands.once('ready', resolve);
      setTimeout(resolve, START_PATIENCE_MS).unref();
    });
    const connecting = [this.commands.connect(), this.#subscriber.connect()];
    for (const one of connecting) one.catch(() => undefined);
    await waiting;
    if (this.commands.status !== 'ready') {
      this.#log('warning', `${this.trouble}; calls are refused until it does`);
      return;
    }
    await this.#check();
    if (this.#fault === null) return;
    await this.close();
    throw new ToolError('unavailable', this.#fault);
  }

  async #onReady(): Promise<void> {
    if (!this.#isChecked) await this.#check();
    if (this.#fault !== null) return this.#log('error', this.#fault);
    if (this.#lastError !== '') this.#log('info', 'Redis answers again');
    this.#lastError = '';
    this.#readySince = performance.now();
    this.#tellReady();
    await this.#identify();
  }

  async #identify(): Promise<void> {
    try {
      const [, runId = ''] = /^run_id:(\S+)/m.exec(await this.commands.info('server')) ?? [];
      if (this.#runId !== null && this.#runId !== runId && !this.isCluster)
        this.#settledAt = performance.now() + SETTLING_MS;
      this.#runId = runId;
      this.#isIdentified = true;
    } catch {
      // It has gone again.
    }
  }

  async #onSubscriber(): Promise<void> {
    try {
      const channels = [...this.#handlers.keys()];
      if (channels.length > 0) await this.#subscriber.subscribe(...channels);
      this.#isListening = true;
      this.#tellReady();
    } catch {
      // It has gone again, and comes back with another `ready`.
    }
  }

  #tellReady(): void {
    if (!this.isReady || !this.#isListening) return;
    for (const listener of this.#readyListeners) listener();
  }

  async #check(): Promise<void> {
    try {
      const faults = await findFaults(this.commands, this.#log);
      this.#fault = faults.length === 0 ? null : faults.join('; ');
      this.#isChecked = true;
      if (this.#fault === null) this.#readySince = performance.now();
    } catch {
      // It has gone in the meantime; the next `ready` checks again.
    }
  }
}

type Library = Pick<typeof import('ioredis'), 'Redis' | 'Cluster'>;

async function loadIoredis(): Promise<Library> {
  try {
    return await import('ioredis');
  } catch (error) {
    const reason =
      'REDIS_URL is set, which needs the packages ioredis and bullmq: npm install ioredis bullmq';
    throw new ToolError('unavailable', reason, { cause: error });
  }
}

function connect(
  { redisUrl, redisCa, isPatient }: RedisOpening,
  { Redis, Cluster }: Library,
): {
  clients: { commands: CommandClient; subscriber: Redis | Cluster };
  isCluster: boolean;
} {
  const url = new URL(redisUrl);
  const isCluster = url.protocol.includes('+cluster');
  const isSecure = url.protocol.startsWith('rediss');
  const options: RedisOptions = {
    lazyConnect: true,
    retryStrategy: (times) => Math.min(1000, 50 * times),
    keepAlive: 10_000,
    connectTimeout: 5000,
    // It has become a replica: its address, or a proxy, leads to the one that is none now.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    ...(isSecure ? { tls: redisCa === null ? {} : { ca: readFileSync(redisCa) } } : {}),
  };
  const hurry: RedisOptions = {
    commandTimeout: COMMAND_TIMEOUT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  };
  const patient: RedisOptions = { maxRetriesPerRequest: null, commandTimeout: PATIENT_TIMEOUT_MS };
  const commandOptions = { ...options, ...(isPatient ? patient : hurry) };
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(url.port || 6379);
  const open = (more: RedisOptions): Redis | Cluster => {
    if (isCluster) {
      const cluster = new Cluster([{ host, port }], {
        lazyConnect: true,
        redisOptions: more,
        enableOfflineQueue: more.enableOfflineQueue ?? true,
      });
      cluster.on('+node', gatherWrites);
      return cluster;
    }
    const db = Number(url.pathname.slice(1) || 0);
    const client = new Redis({ ...more, host, port, db });
    gatherWrites(client);
    return client;
  };
  const commands = open({ ...commandOptions, scripts: scripts(6) } as RedisOptions) as CommandClient;
  return {
    clients: {
      commands,
      subscriber: open({ ...options, maxRetriesPerRequest: null, enableOfflineQueue: true }),
    },
    isCluster,
  };
}

/** What makes the server one that calls cannot be trusted to; scripts are defined on the way, since they depend on its age. */
async function findFaults(client: CommandClient, log: RedisLog): Promise<readonly string[]> {
  const info = await client.info();
  const [, version = '0'] = /^redis_version:(\S+)/m.exec(info) ?? [];
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const faults: string[] = [];
  const isOld = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
  if (isOld) faults.push(`Redis is ${version}, and ${OLDEST.join('.')} or later is needed: update it`);
  for (const [name, script] of Object.entries(scripts(major))) client.defineCommand(name, script);
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy !== undefined && policy !== 'noeviction')
    faults.push(
      `Redis may forget running calls when it is full (maxmemory-policy is ${policy}): set maxmemory-policy noeviction`,
    );
  if (/^aof_enabled:0/m.test(info))
    faults.push(
      'Redis would forget running calls when it restarts (appendonly is no): set appendonly yes and appendfsync everysec',
    );
  if (/^cluster_enabled:1/m.test(info) && !('nodes' in client))
    faults.push('Redis is a Cluster: write redis+cluster:// in REDIS_URL');
  if (faults.length === 0) log('info', `the fleet meets in Redis ${version}`);
  return faults;
}
