/**
 * The benchmark: `npm run bench -- [workload …] [--against [ref]] [--quick] [--rounds n] [--seconds n] [--out file]`.
 * Everything runs on loopback, is bounded in count and time, and ends with the run.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { compare, comparisonTable, summary } from './harness/comparison.mjs';
import { benchDirectory } from './harness/contestant.mjs';
import { watchOthers } from './harness/proc.mjs';
import { prepareReference } from './harness/reference-build.mjs';
import { describeMachine, describeVersions, judge, loadAverage, table, verdict } from './harness/report.mjs';

const WORKLOADS = {
  echo: 'echo over POST /tools/echo',
  mcp: 'echo over /mcp, both eras',
  ws: 'echo over one WebSocket, 32 in flight',
  sse: '200 000 small chunks over SSE',
  'ws-chunks': '200 000 small chunks over a WebSocket',
  ndjson: '200 000 small chunks as NDJSON',
  gib: '1 GiB in chunks of 1 MiB',
  first: 'time to the first chunk',
  spin: 'CPU-bound tools, and /health meanwhile',
  idle: 'memory of 1 000 idle SSE streams',
  cancel: 'cancel of a spinning tool',
  start: 'cold start, HTTP',
  'start-stdio': 'cold start, stdio',
  memory: '8 warm threads against 8 subprocesses',
  journeys: 'journeys: durable creates, list of 100 000',
  io: 'I/O-bound tools, 500 in flight',
  tokens: 'token streams: 3 000 SSE streams, a chunk every 20 ms',
  connections: 'echo on 32 and on 2 000 connections',
  threads: 'echo with 2, 8 and 32 threads ready',
  streams: '1 000 SSE streams at once, as fast as they go',
  waits: 'tools that wait 10 ms, 500 and 2 000 in flight',
  bodies: 'echo of 16 KiB and of 128 KiB',
  grpc: 'echo over gRPC, 32 in flight',
  'grpc-chunks': 'small chunks over gRPC',
  process: 'threads beside child processes: echo, chunks over SSE',
  fleet: 'a fleet on one Redis, beside a plain job of BullMQ',
  graphql: 'echo by GraphQL beside REST',
  metrics: 'echo and chunks over SSE while /metrics and /stats/stream are read',
  'graphql-chunks': '200 000 small chunks by a subscription, beside SSE',
  upstream: 'a mounted stdio server, beside other bridges',
};

/** `--against` alone is the baseline, as is one before a workload's name; `--against=ref` is always a ref. */
const BASELINE = '';
const args = process.argv.slice(2).map((text, at, all) => {
  const next = all[at + 1];
  const hasRef = next !== undefined && !next.startsWith('-') && !Object.hasOwn(WORKLOADS, next);
  return text === '--against' && !hasRef ? `--against=${BASELINE}` : text;
});
const { values: options, positionals: chosen } = parseArgs({
  args,
  allowPositionals: true,
  options: {
    against: { type: 'string' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const unknown = chosen.filter((name) => !Object.hasOwn(WORKLOADS, name));
if (options.help || unknown.length > 0) {
  if (unknown.length > 0) console.error(`unknown workload: ${unknown.join(', ')}\n`);
  console.error(
    'usage: npm run bench -- [workload …] [--against [ref]] [--quick] [--rounds n] [--seconds n] [--out file]\n',
  );
  for (const [name, text] of Object.entries(WORKLOADS)) console.error(`  ${name.padEnd(12)} ${text}`);
  process.exit(options.help ? 0 : 2);
}

const isAgainst = options.against !== undefined;
/** Two builds are measured in short turns (harness/pairs.mjs). */
const [ROUNDS, SECONDS] = isAgainst ? [5, 1] : [3, 3];
let reference;
try {
  if (isAgainst) reference = prepareReference(options.against || undefined);
} catch (error) {
  console.error(`no build to compare with: ${error.message}`);
  process.exit(2);
}
const plan = {
  quick: options.quick,
  rounds: Number(options.rounds ?? (options.quick ? 1 : ROUNDS)),
  seconds: Number(options.seconds ?? (options.quick ? 1 : SECONDS)),
  warmUpSeconds: options.quick ? 1 : 3,
  reference: reference?.build,
  progress: (text) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
  },
};

const machine = describeMachine();
const versions = describeVersions();
const report = {
  startedAt: new Date().toISOString(),
  machine,
  versions,
  plan: { ...plan, reference: reference && { commit: reference.commit, subject: reference.subject } },
  workloads: {},
};
console.log(
  `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}, load by ${machine.load}`,
);
console.log(
  `${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}\n`,
);
if (isAgainst) console.log(`this build against ${reference.subject}\n`);

const file =
  options.out ??
  join(
    benchDirectory,
    'results',
    `${report.startedAt.replaceAll(':', '-').slice(0, 19)}${isAgainst ? `-against-${reference.commit.slice(0, 7)}` : ''}${plan.quick ? '-quick' : ''}.json`,
  );
mkdirSync(dirname(file), { recursive: true });
if (existsSync(file))
  report.workloads = { ...JSON.parse(readFileSync(file, 'utf8')).workloads, ...report.workloads };

const compared = [];
for (const name of chosen.length > 0 ? chosen : Object.keys(WORKLOADS)) {
  const workload = await import(`./workloads/${name}.mjs`);
  const began = { startedAt: new Date().toISOString(), loadAverage: loadAverage() };
  const coresOfOthers = watchOthers();
  const rows = await workload.run(plan);
  plan.progress('');
  const { title, columns, lessIsBetter = false } = workload;
  const othersCores = Math.round(coresOfOthers() * 100) / 100;
  const written = { ...began, othersCores, title, columns, lessIsBetter, rows };
  report.workloads[name] = written;
  const others = `other work took ${othersCores} of ${machine.cores} cores meanwhile`;
  if (isAgainst) {
    written.figures = compare(workload, rows);
    compared.push({ name, rows, figures: written.figures });
    console.log(`${comparisonTable(name, workload, rows, written.figures)}\n\n${others}\n`);
  } else {
    written.targets = judge(workload, rows);
    console.log([table(workload, rows), '', ...written.targets.map(verdict), others, ''].join('\n'));
  }
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
}

console.log(`written to ${file}`);
if (isAgainst) console.log(summary(compared));
