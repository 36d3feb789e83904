/**
 * The benchmark: `npm run bench -- [workload … | publish] [--against [ref]] [--quick] [--rounds n] [--seconds n] [--out file]`.
 * Everything runs on loopback, is bounded in count and time, and ends with the run.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { compare, comparisonTable, summary } from './harness/comparison.mjs';
import { benchDirectory } from './harness/contestant.mjs';
import { watchOthers } from './harness/proc.mjs';
import { prepareReference } from './harness/reference-build.mjs';
import {
  describeMachine,
  describeVersions,
  judge,
  loadAverage,
  table,
  targetsTable,
  verdict,
} from './harness/report.mjs';
import { placeOnPage, publish } from './pages/publish.mjs';
import { GROUPS, WORKLOADS } from './workload-list.mjs';

/** `--against` alone is the baseline, as is one before a workload's name; `--against=ref` is always a ref. */
const BASELINE = '';
const args = process.argv.slice(2).map((text, at, all) => {
  const next = all[at + 1];
  const hasRef = next !== undefined && !next.startsWith('-') && !Object.hasOwn(WORKLOADS, next);
  return text === '--against' && !hasRef ? `--against=${BASELINE}` : text;
});
const { values: options, positionals: words } = parseArgs({
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

const chosen = words.flatMap((word) => (Object.hasOwn(GROUPS, word) ? GROUPS[word] : word));
const isPublish = words.includes('publish');
const unknown = chosen.filter((name) => !Object.hasOwn(WORKLOADS, name));
if (options.help || unknown.length > 0) {
  if (unknown.length > 0) console.error(`unknown workload: ${unknown.join(', ')}\n`);
  console.error(
    'usage: npm run bench -- [workload … | publish] [--against [ref]] [--quick] [--rounds n] [--seconds n] [--out file]\n',
  );
  for (const [name, { text }] of Object.entries(WORKLOADS)) console.error(`  ${name.padEnd(14)} ${text}`);
  for (const [name, members] of Object.entries(GROUPS))
    console.error(
      `  ${name.padEnd(14)} ${name === 'publish' ? 'all, and the pages are written' : members.join(' ')}`,
    );
  process.exit(options.help ? 0 : 2);
}

const isAgainst = options.against !== undefined;
if (isPublish) placeOnPage();
/** Two builds are measured in short turns (harness/pairs.mjs); `publish` has twenty minutes for everything. */
const [ROUNDS, SECONDS, WARM_UP_SECONDS] = isAgainst ? [5, 1, 3] : isPublish ? [3, 2, 1] : [3, 3, 3];
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
  warmUpSeconds: Math.min(WARM_UP_SECONDS, Number(options.seconds ?? (options.quick ? 1 : WARM_UP_SECONDS))),
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
const ran = chosen.length > 0 ? chosen : Object.keys(WORKLOADS);
for (const name of ran) {
  const workload = await import(`./workloads/${name}.mjs`);
  const began = { startedAt: new Date().toISOString(), cpu: machine.cpu, loadAverage: loadAverage() };
  const coresOfOthers = watchOthers();
  const deadline = isPublish ? performance.now() + WORKLOADS[name].seconds * 1000 : undefined;
  const rows = await workload.run({ ...plan, deadline });
  plan.progress('');
  const { title, columns, lessIsBetter = false, plots } = workload;
  const othersCores = Math.round(coresOfOthers() * 100) / 100;
  const written = { ...began, othersCores, title, columns, lessIsBetter, plots, rows };
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

if (isAgainst) console.log(summary(compared));
else console.log(targetsTable(Object.fromEntries(ran.map((name) => [name, report.workloads[name]]))));
console.log(`\nwritten to ${file}`);
// Only now: a run that was stopped leaves the pages as they were.
if (isPublish) for (const path of publish(report)) console.log(`written: ${path}`);
