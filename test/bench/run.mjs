/**
 * The benchmark: `npm run bench -- [workload …] [--quick] [--rounds n] [--seconds n] [--out file]`.
 * Everything runs on loopback, is bounded in count and time, and ends with the run.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchDirectory } from './harness/contestant.mjs';
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
};

const { values: options, positionals: chosen } = parseArgs({
  allowPositionals: true,
  options: {
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
  console.error('usage: npm run bench -- [workload …] [--quick] [--rounds n] [--seconds n] [--out file]\n');
  for (const [name, text] of Object.entries(WORKLOADS)) console.error(`  ${name.padEnd(12)} ${text}`);
  process.exit(options.help ? 0 : 2);
}

const plan = {
  quick: options.quick,
  rounds: Number(options.rounds ?? (options.quick ? 1 : 3)),
  seconds: Number(options.seconds ?? (options.quick ? 1 : 3)),
  warmUpSeconds: options.quick ? 1 : 3,
  progress: (text) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
  },
};

const machine = describeMachine();
const versions = describeVersions();
const report = { startedAt: new Date().toISOString(), machine, versions, plan: { ...plan }, workloads: {} };
console.log(
  `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}, load by ${machine.load}`,
);
console.log(
  `${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}\n`,
);

const file =
  options.out ??
  join(
    benchDirectory,
    'results',
    `${report.startedAt.replaceAll(':', '-').slice(0, 19)}${plan.quick ? '-quick' : ''}.json`,
  );
mkdirSync(dirname(file), { recursive: true });
if (existsSync(file))
  report.workloads = { ...JSON.parse(readFileSync(file, 'utf8')).workloads, ...report.workloads };

for (const name of chosen.length > 0 ? chosen : Object.keys(WORKLOADS)) {
  const workload = await import(`./workloads/${name}.mjs`);
  const began = { startedAt: new Date().toISOString(), loadAverage: loadAverage() };
  const rows = await workload.run(plan);
  plan.progress('');
  const judged = judge(workload, rows);
  const { title, columns, lessIsBetter = false } = workload;
  report.workloads[name] = { ...began, title, columns, lessIsBetter, rows, targets: judged };
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  console.log(table(workload, rows));
  console.log(`\n${judged.map(verdict).join('\n')}\n`);
}

console.log(`written to ${file}`);
