/** The options of a fleet: several gateways and worker hosts on one Redis. */
import { option, type Rule, type ValuesOf } from '../config/option.ts';
import { list, oneOf, optionalPath, seconds, text, wholeNumber } from '../config/value-kind.ts';

export const fleetOptions = {
  redisUrl: option({
    env: 'REDIS_URL',
    kind: text(
      /^(?:rediss?(?:\+cluster)?:\/\/\S+)?$/,
      'an address such as redis://127.0.0.1:6379, rediss:// for TLS, redis+cluster:// for a Cluster',
      'url',
    ),
    default: '',
    summary: 'The Redis of a fleet: `redis://`, `rediss://` (TLS), `redis+cluster://`.',
    reason: 'One machine needs none.',
    secret: true,
  }),
  redisCa: option({
    env: 'REDIS_CA',
    flag: '--redis-ca',
    kind: optionalPath(),
    default: '',
    summary: 'A PEM file of the authorities that may have signed the certificate of a `rediss://` server.',
    reason: 'Those that Node knows.',
  }),
  role: option({
    env: 'ROLE',
    flag: '--role',
    kind: oneOf('all', 'gateway', 'worker'),
    default: 'all',
    summary:
      'What this process is in a fleet: a `gateway` for clients, a `worker` host that runs tools, or `all`.',
    reason: 'One process is a whole fleet to begin with.',
  }),
  workerGroups: option({
    env: 'WORKER_GROUPS',
    flag: '--worker-groups',
    kind: list(/^[A-Za-z0-9][\w.-]{0,63}$/, 'names of letters, digits, dots and dashes', 'names'),
    default: '',
    summary: 'The groups of hosts that this host belongs to; hosts of a group serve the same calls.',
    reason: 'Hosts with the same tools are a group by themselves.',
  }),
  nodeId: option({
    env: 'NODE_ID',
    flag: '--node-id',
    kind: text(/^(?:[\w.-]{1,64})?$/, 'up to 64 letters, digits, dots and dashes', 'name'),
    default: '',
    summary: 'The name of this process in the fleet; unique.',
    reason: 'The host name and a random ending, new at each start.',
  }),
  leaseMs: option({
    env: 'LEASE',
    flag: '--lease',
    kind: seconds(1),
    default: '15',
    summary: 'How long a host may be silent, or Redis away, before its calls are taken for lost.',
    reason: 'Longer than a restart of Redis; as long as a crash may go unnoticed.',
  }),
  orphanGraceMs: option({
    env: 'ORPHAN_GRACE',
    flag: '--orphan-grace',
    kind: seconds(0.1),
    default: '10',
    summary: 'How long a call goes on whose gateway is gone, waiting for its client to come back elsewhere.',
    reason: 'Clients reconnect within seconds.',
  }),
  maxStarts: option({
    env: 'MAX_STARTS',
    flag: '--max-starts',
    kind: wholeNumber(1, 100, 'starts'),
    default: '2',
    summary:
      'How often a call may be started when hosts die under it, of tools with `idempotentHint` or `readOnlyHint`.',
    reason: 'What has ended two hosts ends a third.',
  }),
  redisPrefix: option({
    env: 'REDIS_PREFIX',
    flag: '--redis-prefix',
    kind: text(/^[A-Za-z0-9_.-]{1,32}$/, 'up to 32 letters, digits, dots and dashes', 'name'),
    default: 'mg',
    summary: 'What the names of all keys in Redis begin with.',
    reason: 'Two fleets may share a Redis.',
  }),
};

export type FleetConfig = ValuesOf<typeof fleetOptions>;

export const fleetRules: readonly Rule<FleetConfig>[] = [
  {
    about: ['redisUrl', 'role'],
    refusal: ({ redisUrl, role }) =>
      role !== 'all' && redisUrl === ''
        ? `ROLE (--role) is "${role}" and REDIS_URL is not set; expected the address of the fleet's Redis: ` +
          'set REDIS_URL=redis://HOST:6379'
        : undefined,
  },
];
