/**
 * What a run tells: one table per workload (medians, ratio to ours), targets met or missed, and the JSON file.
 *
 * P1. A ratio is "ours ÷ theirs" in the workload's first column, turned round where less is better, so that above 1
 *     always means that we are better.
 * P2. Of two rows of the same rounds it is the median of the rounds' ratios, and need not be that of their medians: a
 *     machine may be twice as fast in one round as in the next.
 */
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { benchDirectory } from './contestant.mjs';
import { loadGenerator } from './http-load.mjs';
import { median } from './medians.mjs';

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

export function describeMachine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    load: loadGenerator,
  };
}

/** What else the machine does: asked before each workload, since a result file may hold several runs. */
export const loadAverage = () => Math.round(loadavg()[0] * 10) / 10;

export function describeVersions() {
  const gateway = readJson(`${benchDirectory}../../package.json`);
  const versions = { [gateway.name]: gateway.version };
  for (const name of Object.keys(readJson(`${benchDirectory}package.json`).dependencies)) {
    try {
      versions[name] = readJson(`${benchDirectory}node_modules/${name}/package.json`).version;
    } catch {
      versions[name] = 'absent';
    }
  }
  return versions;
}

export const heads = {
  perSecond: 'per second',
  p50Ms: 'p50 ms',
  p99Ms: 'p99 ms',
  cpuUs: 'CPU µs each',
  mebibytesPerSecond: 'MiB/s',
  grownMebibytes: 'MiB above idle',
  firstMs: 'median ms',
  wallMs: 'wall ms',
  wallOverIdeal: 'wall ÷ ideal',
  askedOverIdeal: 'with /health asked',
  healthP50Ms: '/health p50 ms',
  healthP99Ms: '/health p99 ms',
  kibibytesEach: 'KiB each',
  idleCpuUs: 'CPU µs a second each',
  idleMebibytes: 'MiB without them',
  freshEchoMs: 'ms to a fresh echo',
  beyondGraceMs: 'ms beyond grace',
  firstAnswerMs: 'ms to first answer',
  mebibytes: 'MiB resident',
  sharedOnceMebibytes: 'MiB, shared pages once',
  createsPerSecond: 'creates per second',
  listedPerSecond: 'listed per second',
  listMs: 'list ms',
  chunkCpuUs: 'CPU µs a chunk',
  mainCpuUs: 'of the main thread',
  chunkMainCpuUs: 'of the main thread',
  peakMebibytes: 'MiB at most',
  clientCores: 'cores of the client',
  progressShare: '% of progress',
  aloneP50Ms: 'ms alone',
  chunksPerSecond: 'chunks per second',
  redisCpuUs: 'CPU µs of Redis each',
  redisChunkCpuUs: 'CPU µs of Redis a chunk',
};

/** Of all other figures, less is better. */
export const moreIsBetter = new Set([
  'perSecond',
  'mebibytesPerSecond',
  'createsPerSecond',
  'listedPerSecond',
  'chunksPerSecond',
]);

export function formatNumber(value) {
  if (value === undefined || Number.isNaN(value)) return '–';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en').replaceAll(',', ' ');
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}

/** P2. @param ideal more than which the other's figure does not count. */
function quotientOf(own, other, column, ideal = Number.POSITIVE_INFINITY) {
  const divide = (mine, theirs) => mine[column] / Math.min(theirs[column], ideal);
  if (own.rounds.length !== other.rounds.length) return divide(own.medians, other.medians);
  return median(own.rounds.map((round, at) => divide(round, other.rounds[at])));
}

/** Above 1: ours is better. Undefined where one of the two has no figure. @param column default: the first. */
export function ratioOf(workload, ours, theirs, column = workload.columns[0]) {
  if (!ours?.medians || !theirs?.medians) return undefined;
  const ratio = quotientOf(ours, theirs, column);
  const isLess = column === workload.columns[0] ? workload.lessIsBetter : !moreIsBetter.has(column);
  return isLess ? 1 / ratio : ratio;
}

/** A Markdown table whose first column is text and the others are numbers. */
export function renderTable(header, lines) {
  const widths = header.map((head, column) =>
    Math.max(head.length, ...lines.filter((line) => line.length > 2).map((line) => line[column].length), 3),
  );
  widths[0] = Math.max(header[0].length, ...lines.map((line) => line[0].length), 3);
  const render = (cells) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [render(header), rule, ...lines.map(render)].join('\n');
}

/** Our row that another one is compared with: the one it names, else the first. */
export const ownRowFor = (rows, row) => rows.find(({ id }) => id === (row.beside ?? 'ours')) ?? rows[0];

export function table(workload, rows) {
  const lines = rows.map((row) => {
    if (row.absent !== undefined)
      return [row.label, `absent: ${row.absent.replaceAll('|', '/').slice(0, 160)}`];
    const own = ownRowFor(rows, row);
    return [
      row.label,
      ...workload.columns.map((column) => formatNumber(row.medians[column])),
      row === own ? '' : formatNumber(ratioOf(workload, own, row)),
    ];
  });
  const header = ['', ...workload.columns.map((column) => heads[column] ?? column), 'ours is better by'];
  return [`### ${workload.title}`, '', renderTable(header, lines)].join('\n');
}

/** The figure of a target: of one row, or of one beside another. Undefined where one of them is missing. */
function figureOf({ of = 'ours', than, by, field, less, ideal }, workload, rows) {
  const find = (id) => rows.find((row) => row.id === id);
  const own = find(of);
  const other = find(than ?? less);
  if (field === undefined) return ratioOf(workload, own, other, by);
  if (than !== undefined) return own?.medians && other?.medians && quotientOf(own, other, field, ideal);
  const figure = own?.medians?.[field];
  return less === undefined ? figure : figure - other?.medians?.[field];
}

function textOf({ text, of = 'ours', than, by, field, atLeast, atMost }) {
  const limit = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
  if (text === undefined && than !== undefined) return `${of} ${limit} × ${than}${by ? `, ${by}` : ''}`;
  return `${text ?? `${of} ${field}`} ${limit}`;
}

/**
 * Judges targets, each {of?, text?, atLeast | atMost} and one of
 *   {than, by?}             how many times better, by the first column unless another is named
 *   {field, than, ideal?}   the quotient of that figure, of the smaller of the other's and `ideal`
 *   {field, less?}          the figure itself, less that of another row
 * @returns [{text, got, met}]; `met` is null where it was not measured
 */
export function judge(workload, rows) {
  return (workload.targets ?? []).map((target) => {
    const figure = figureOf(target, workload, rows);
    const got = Number.isFinite(figure) ? figure : undefined;
    const { atLeast, atMost } = target;
    const met = got === undefined ? null : atLeast === undefined ? got <= atMost : got >= atLeast;
    return { text: textOf(target), got, met };
  });
}

/** All targets of a run's workloads, one row each. @param workloads {name: {targets}} */
export function targetsTable(workloads) {
  const lines = Object.entries(workloads).flatMap(([name, { targets = [] }]) =>
    targets.map(({ text, got, met }) => [
      text.replaceAll('|', '/'),
      name,
      formatNumber(got ?? Number.NaN),
      met === null ? 'not measured' : met ? 'met' : 'MISSED',
    ]),
  );
  return lines.length === 0 ? '' : renderTable(['target', 'workload', 'got', ''], lines);
}

export const verdict = ({ text, got, met }) =>
  `${met === null ? 'not measured' : met ? 'met         ' : 'MISSED      '}  ${text} (got ${formatNumber(got)})`;
