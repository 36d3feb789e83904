/**
 * From the configuration to this process's part in a fleet: the runner of a gateway, the host of its runners, or both.
 * Loaded where REDIS_URL is set, and nowhere else.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Catalog } from '../../call/catalog.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { AdmittedCall, Runner } from '../../runners/runner.ts';
import { WorkerHost } from '../host/worker-host.ts';
import { digestOf, FRAME_VERSION, groupOf, type Member, Members } from '../members.ts';
import type { FleetConfig } from '../options.ts';
import { FleetRedis, type RedisLog } from '../redis/fleet-redis.ts';
import { DispatchQueues, loadBullmq, queueName } from './dispatch-queue.ts';
import { RedisPeers } from './redis-peers.ts';
import { RedisRunner, type RedisRunnerOptions } from './redis-runner.ts';
import { RedisSharedCalls } from './shared-calls.ts';
import { SharedRates } from './shared-rates.ts';

export interface FleetOpening {
  readonly config: FleetConfig &
    Omit<RedisRunnerOptions, 'nodeId' | 'leaseMs'> & {
      readonly maxWorkers: number;
      readonly callsPerWorker: number;
      readonly drainTimeoutMs: number;
      readonly dataDir: string;
      readonly journeysUrl: string;
    };
  readonly version: string;
  readonly log: RedisLog;
  /** What this host runs; none on a gateway. */
  readonly hosted: HostedRunners | null;
}

/** The tool that keeps what it is given in its host's DATA_DIR. */
const JOURNEYS = 'journeys_tool';

/** How long a call whose idempotency key was claimed may take until it is opened. */
const OPENING_MS = 3000;

/** The runners of a host, seen as one. */
export interface HostedRunners {
  catalog(): Catalog;
  owner(request: AdmittedCall): Runner | undefined;
  onNotice(listener: (notice: unknown) => void): void;
  onCatalog(listener: () => void): void;
}

/** This process's part in a fleet. */
export interface Fleet {
  readonly nodeId: string;
  readonly redis: FleetRedis;
  readonly members: Members;
  /** Null on a host that is no gateway. */
  readonly runner: RedisRunner | null;
  readonly host: WorkerHost | null;
  /** Null on a host that is no gateway. */
  readonly shared: RedisSharedCalls | null;
  /** Null on a host that is no gateway. */
  readonly rates: SharedRates | null;
  /** Null on a host that is no gateway. */
  readonly peers: RedisPeers | null;
  /** Takes no more calls from the queues, sends readers to other gateways, and waits for what cannot go there. */
  drain(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * @throws {ToolError} `unavailable` when a package is missing, the server cannot be relied on, or another host keeps
 * journeys elsewhere.
 */
export async function openFleet({ config, version, log, hosted }: FleetOpening): Promise<Fleet> {
  const { role, leaseMs } = config;
  const nodeId =
    config.nodeId ||
    `${hostname()
      .replace(/[^\w.-]/g, '-')
      .slice(0, 40)}-${randomBytes(4).toString('hex')}`;
  const bullmq = await loadBullmq();
  const since = Date.now();
  // A gateway answers at once what it cannot do; a host repeats what it has to tell.
  const gatewayRedis = role === 'worker' ? null : await FleetRedis.open({ ...config, isPatient: false, log });
  const hostRedis =
    role === 'gateway'
      ? null
      : await FleetRedis.open({ ...config, isPatient: true, log: gatewayRedis ? () => undefined : log });
  const redis = (gatewayRedis ?? hostRedis) as FleetRedis;

  let host: WorkerHost | null = null;
  let runner: RedisRunner | null = null;
  let isLeaving = false;
  const store = storeOf(hosted?.catalog(), config);
  const self = (): Member => ({
    id: nodeId,
    role,
    version,
    since,
    isDraining: isLeaving || (host?.isDraining ?? false),
    ...(host && hosted
      ? { host: { ...host.state, catalog: digestOf(hosted.catalog()), frames: FRAME_VERSION, ...store } }
      : {}),
    ...(runner ? { calls: runner.callsInFlight } : {}),
  });
  const members = new Members(redis, { leaseMs, self, catalog: () => hosted?.catalog() ?? null });

  if (hostRedis && hosted) {
    const catalog = hosted.catalog();
    const hasShared = catalog.tools.some(({ isolation }) => isolation === 'shared');
    const { maxWorkers, callsPerWorker } = config;
    host = new WorkerHost(
      {
        ...config,
        nodeId,
        groups: config.workerGroups.length > 0 ? config.workerGroups : [groupOf(catalog)],
        capacity: {
          x: hasShared && maxWorkers > 1 ? maxWorkers - 1 : maxWorkers,
          s: maxWorkers * callsPerWorker,
        },
        queueName,
        owner: (request) => hosted.owner(request),
        log,
      },
      { redis: hostRedis, members, bullmq },
    );
    hosted.onNotice((notice) => {
      const { commands, keys } = redis;
      if (redis.isReady) commands.publish(keys.noticeChannel, JSON.stringify(notice)).catch(() => undefined);
    });
    hosted.onCatalog(() => members.tell());
  }
  const queues = gatewayRedis && new DispatchQueues(gatewayRedis, bullmq);
  const gateways = () => members.all.filter(({ role: one }) => one !== 'worker').length;
  const rates = gatewayRedis && new SharedRates(gatewayRedis, gateways);
  if (gatewayRedis && queues && rates) {
    runner = new RedisRunner({ ...config, nodeId }, { redis: gatewayRedis, members, queues, rates });
    await runner.open();
  }
  const peers = gatewayRedis && new RedisPeers(gatewayRedis, members, nodeId);
  await peers?.open();
  await members.open();
  const close = async () => {
    await host?.close();
    await members.close();
    await queues?.close();
    await Promise.all([gatewayRedis?.close(), hostRedis?.close()]);
  };
  const elsewhere = otherStore(members.all, self());
  if (elsewhere !== undefined) {
    await close();
    throw new ToolError('unavailable', elsewhere);
  }
  await host?.open();
  // What could not be seen at the start, since Redis was away.
  members.onChange(() => {
    const found = host && !host.isDraining ? otherStore(members.all, self()) : undefined;
    if (found === undefined) return;
    log('error', `${found}; this host takes no more calls`);
    void host?.drain(config.drainTimeoutMs);
  });

  const claimMs = config.requestTimeoutMs + 2 * config.resumeTtlMs + 60_000;
  return {
    nodeId,
    redis,
    members,
    runner,
    host,
    rates,
    peers,
    shared:
      gatewayRedis &&
      runner &&
      new RedisSharedCalls(gatewayRedis, runner, { nodeId, claimMs, openingMs: OPENING_MS }),
    drain: async (timeoutMs) => {
      isLeaving = true;
      members.tell();
      if (runner?.sendAway()) peers?.leave();
      await Promise.all([host?.drain(timeoutMs), runner?.drain(timeoutMs)]);
    },
    close,
  };
}

/** Where a host keeps journeys, if it serves them: the same name for every process beside that database or folder. */
function storeOf(
  catalog: Catalog | undefined,
  { dataDir, journeysUrl }: FleetOpening['config'],
): { journeys?: string } {
  if (!catalog?.tools.some(({ name }) => name === JOURNEYS)) return {};
  if (journeysUrl === '') return { journeys: digestOf([hostname(), resolve(dataDir)]) };
  const { host, pathname, search } = new URL(journeysUrl);
  return { journeys: digestOf(['a database', host, pathname, search]) };
}

/** @returns why this host may not serve journeys: one that came before it does, from another folder. */
function otherStore(members: readonly Member[], { id, since, host }: Member): string | undefined {
  const mine = host?.journeys;
  const before = members.find(
    (other) =>
      other.host?.journeys !== undefined &&
      other.host.journeys !== mine &&
      (other.since < since || (other.since === since && other.id < id)),
  );
  return mine === undefined || !before
    ? undefined
    : `${JOURNEYS} keeps its journeys in one host's DATA_DIR, or in the PostgreSQL of JOURNEYS_URL, and the host ${before.id} serves it already with other ones: set JOURNEYS_URL to the same address on all hosts, or start this host with tools of its own (--tools) or with BUILT_INS=off`;
}
