/** What things cost, and how many hosts many of them take: two tables of a run's figures. */
import { formatNumber } from '../harness/report.mjs';

const MEBIBYTE = 1024;
const GIBIBYTE = 1024 ** 2;
const DASH = '–';

/** [what, workload, our row, column, [what is beside it, its row]] in µs of CPU: of a call unless it says otherwise. */
const CPU = [
  ['call over REST', 'echo', 'ours', 'cpuUs', ['bare `node:http`', 'node-http']],
  [
    'the same on 2 000 connections',
    'connections',
    'ours-2000',
    'cpuUs',
    ['bare `node:http`', 'node-http-2000'],
  ],
  [
    'call of an exclusive tool',
    'echo',
    'ours-exclusive',
    'cpuUs',
    ['Piscina `run` behind Express', 'express-piscina'],
  ],
  ['call over MCP, 2025-11-25', 'mcp', 'ours-2025', 'cpuUs', ['MCP SDK v1', 'sdk-v1-stateful']],
  ['call over MCP, 2026-07-28', 'mcp', 'ours-2026', 'cpuUs', ['MCP SDK v2', 'sdk-v2-2026']],
  ['call over a WebSocket', 'ws', 'ours', 'cpuUs', ['`ws` in process', 'ws']],
  ['call over gRPC', 'grpc', 'ours', 'cpuUs', ['grpc-js in process', 'grpc-js']],
  ['call over GraphQL', 'graphql', 'ours', 'cpuUs', ['our REST', 'ours-rest']],
  [
    'call that waits 10 ms, 500 in flight',
    'waits',
    'ours-500',
    'cpuUs',
    ['bare `node:http`', 'node-http-500'],
  ],
  ['call in a child process', 'process', 'process', 'cpuUs', ['on a thread', 'ours']],
  ['call of a mounted server', 'upstream', 'ours-lean', 'cpuUs', ['supergateway', 'supergateway-lean']],
  ['call through a fleet, all but Redis', 'fleet', 'fleet', 'cpuUs', ['a job of BullMQ', 'bullmq']],
  ['call through a fleet, Redis alone', 'fleet', 'fleet', 'redisCpuUs', ['a job of BullMQ', 'bullmq']],
  [
    'chunk that comes alone (token), 1 000 streams',
    'tokens',
    'ours-1000',
    'chunkCpuUs',
    ['bare `node:http`', 'node-http-1000'],
  ],
  ['the same, 3 000 streams', 'tokens', 'ours-3000', 'chunkCpuUs', ['bare `node:http`', 'node-http-3000']],
  [
    'chunk of a stream that runs as fast as it can',
    'sse',
    'ours',
    'chunkCpuUs',
    ['`res.write`', 'res-write'],
  ],
  ['the same over gRPC', 'grpc-chunks', 'ours', 'chunkCpuUs', ['grpc-js in process', 'grpc-js']],
  ['the same through a fleet, all but Redis', 'fleet', 'fleet', 'chunkCpuUs', ['a job of BullMQ', 'bullmq']],
];

/** [what, kind in the workload `costs`, [what is beside it, its row]] */
const HELD = [
  ['idle SSE stream', 'stream', ['bare `node:http`', 'node-http-stream']],
  ['open WebSocket', 'socket', ['`ws`', 'ws-socket']],
  ['MCP session', 'session', ['MCP SDK v1', 'sdk-v1-stateful-session']],
  ['ready thread above the first', 'thread', ['a child process with SDK v1', 'subprocesses-thread']],
  [
    'the same when it has run calls',
    'used-thread',
    ['a child process with SDK v1', 'subprocesses-used-thread'],
  ],
  ['loaded tool, one thread', 'tool', ['MCP SDK v1, of each session', 'sdk-v1-stateful-tool']],
  ['loaded tool, eight threads', 'tool-8', undefined],
];

/** Two ticks of the system's clock of CPU time (10 ms each) in 16 s, of a thousand: what is less is told as that. */
const LEAST_IDLE_US = 1.25;

/** @returns a function that finds a figure: (workload, row, column) → number or undefined */
const figuresOf = (report) => (workload, row, column) => {
  const found = report.workloads[workload]?.rows.find(({ id }) => id === row)?.medians?.[column];
  if (!Number.isFinite(found)) return undefined;
  return column === 'idleCpuUs' ? Math.max(found, LEAST_IDLE_US) : found;
};

const micros = (value) => (value === undefined ? DASH : `${formatNumber(value)} µs`);
const kibibytes = (value) =>
  value === undefined
    ? DASH
    : value >= MEBIBYTE
      ? `${formatNumber(value / MEBIBYTE)} MiB`
      : `${formatNumber(value)} KiB`;

const beside = (name, value) => (value === DASH ? DASH : `${value} (${name})`);

/** The figure that tells how much of another was its main thread's. */
const ofMainThread = { cpuUs: 'mainCpuUs', chunkCpuUs: 'chunkMainCpuUs' };

/** CPU of each, and memory of each. Rows that the run did not measure are left out. */
export function costsTables(report) {
  const figure = figuresOf(report);
  const cpu = CPU.filter(([, workload, row, column]) => figure(workload, row, column) !== undefined).map(
    ([what, workload, row, column, [name, other]]) => {
      const main = micros(figure(workload, row, ofMainThread[column]));
      const theirs = beside(name, micros(figure(workload, other, column)));
      return `| ${what} | ${micros(figure(workload, row, column))} | ${main} | ${theirs} |`;
    },
  );
  const held = HELD.filter(([, kind]) => figure('costs', `ours-${kind}`, 'kibibytesEach') !== undefined).map(
    ([what, kind, other]) => {
      const idle = figure('costs', `ours-${kind}`, 'idleCpuUs');
      const theirs = other && kibibytes(figure('costs', other[1], 'kibibytesEach'));
      return `| ${what} | ${kibibytes(figure('costs', `ours-${kind}`, 'kibibytesEach'))} | ${micros(idle)} | ${theirs ? beside(other[0], theirs) : DASH} |`;
    },
  );
  const rest = figure('costs', 'ours-thread', 'idleMebibytes');
  return [
    '| one | CPU | of the main thread | CPU beside it |',
    '|---|--:|--:|--:|',
    ...cpu,
    '',
    '| one that is only there | memory | CPU a second | memory beside it |',
    '|---|--:|--:|--:|',
    ...held,
    ...(rest === undefined
      ? []
      : ['', `A gateway that has one thread and nothing to do takes ${formatNumber(rest)} MiB.`]),
  ].join('\n');
}

/** What part of a core should be given away: the rest is for bursts, the collector and a host that is lost. */
const LOAD = 0.6;
const CORES = 8;
const PER_SECOND = 1e6;

/**
 * What is asked for: so many a second of something whose CPU is told by a workload's row and column; `open` are streams
 * that are there all the while; `isRedis` is what runs on the one thread of a Redis.
 */
const DEMANDS = [
  { what: '20 000 calls a second over REST', rate: 20_000, cpu: ['connections', 'ours-2000', 'cpuUs'] },
  { what: '20 000 calls a second over MCP', rate: 20_000, cpu: ['mcp', 'ours-2026', 'cpuUs'] },
  {
    what: '20 000 token streams, 20 chunks a second each',
    rate: 20_000 * 20,
    cpu: ['tokens', 'ours-3000', 'chunkCpuUs'],
    open: 20_000,
  },
  {
    what: '100 000 idle SSE streams',
    rate: 100_000,
    cpu: ['costs', 'ours-stream', 'idleCpuUs'],
    open: 100_000,
  },
  { what: '5 000 calls a second through a fleet', rate: 5_000, cpu: ['fleet', 'fleet', 'cpuUs'] },
  { what: '… their Redis', rate: 5_000, cpu: ['fleet', 'fleet', 'redisCpuUs'], isRedis: true },
];

/** So many units of a given size, each loaded to LOAD. */
const units = (cores, size) => Math.max(1, Math.ceil(cores / (size * LOAD) - 1e-9));

/** From the cost of one to the gateways and hosts of many. */
export function fleetTable(report) {
  const figure = figuresOf(report);
  const rows = DEMANDS.flatMap(({ what, rate, cpu: [workload, row, column], open, isRedis }) => {
    const one = figure(workload, row, column);
    if (one === undefined) return [];
    const coresOf = (us) => (rate * us) / PER_SECOND;
    const main = figure(workload, row, ofMainThread[column]);
    const each = open && figure('costs', 'ours-stream', 'kibibytesEach');
    const cells = [
      what,
      formatNumber(one),
      formatNumber(coresOf(one)),
      main === undefined ? DASH : units(coresOf(main), 1),
      each === undefined ? DASH : `${formatNumber((open * each) / GIBIBYTE)} GiB`,
      isRedis ? `${units(coresOf(one), 1)} of Redis` : units(coresOf(one), CORES),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    `| asked for | CPU µs of one | cores busy | gateways | memory of what is open | hosts of ${CORES} cores |`,
    '|---|--:|--:|--:|--:|--:|',
    ...rows,
  ].join('\n');
}
