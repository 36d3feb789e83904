/** What a run's JSON says, as Markdown: the targets, all tables, and a line for the README. */
import { formatNumber, table } from '../harness/report.mjs';
import { figuresOf } from './costs.mjs';
import { shortNumber } from './svg-plot.mjs';

const cell = (text) => String(text).replaceAll('|', '/');

const packages = {
  Express: 'express',
  'SDK v1': '@modelcontextprotocol/sdk',
  'SDK v2': '@modelcontextprotocol/server',
  tmcp: 'tmcp',
  fastmcp: 'fastmcp',
  'mcp-proxy': 'mcp-proxy',
  supergateway: 'supergateway',
  'better-sse': 'better-sse',
  ws: 'ws',
};

/** On what, when, and with which versions. */
export function measured({ machine, versions, workloads }) {
  const days = Object.values(workloads)
    .map(({ startedAt }) => startedAt.slice(0, 10))
    .sort();
  // A file may hold runs of several days, and of machines that came after one another.
  const cpus = [...new Set(Object.values(workloads).map(({ cpu }) => cpu ?? machine.cpu))];
  const when = days[0] === days.at(-1) ? days[0] : `${days[0]} to ${days.at(-1)}`;
  const others = Object.entries(packages)
    .filter(([, name]) => versions[name] !== undefined)
    .map(([name, key]) => `${name} ${versions[key]}`);
  return (
    `Measured ${when} on ${cpus.join(' and ')}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}, load by ` +
    `${machine.load} on the same machine; medians of the rounds. ${others.join(', ')}.`
  );
}

/** What disturbed a workload; where it is not near 0, times say little and CPU somewhat more. */
const others = ({ othersCores }) => (othersCores === undefined ? DASH : formatNumber(othersCores));
const DASH = '–';

export function targetsSection(report) {
  const rows = Object.entries(report.workloads).flatMap(([name, workload]) =>
    (workload.targets ?? []).map(
      ({ text, got, met }) =>
        `| ${name} | ${cell(text)} | ${formatNumber(got ?? Number.NaN)} | ${met === null ? 'not measured' : met ? 'met' : '**missed**'} | ${others(workload)} |`,
    ),
  );
  return [
    `${measured(report)} All tables: \`test/bench/RESULTS.md\`.`,
    '',
    '| workload | target | got | | cores that others took |',
    '|---|---|--:|---|--:|',
    ...rows,
  ].join('\n');
}

const roundsOf = ({ rows }) => Math.max(0, ...rows.map(({ rounds }) => rounds?.length ?? 0));

export function resultsPage(report) {
  const tables = Object.values(report.workloads).map((workload) => {
    const note = [
      `Rounds: ${roundsOf(workload)}, on ${workload.startedAt.slice(0, 10)}${workload.cpu === undefined ? '' : `, ${workload.cpu}`}`,
      `load average ${workload.loadAverage} when it began`,
      ...(workload.othersCores === undefined ? [] : [`others took ${workload.othersCores} cores meanwhile`]),
    ];
    return [table(workload, workload.rows), '', `${note.join('; ')}.`].join('\n');
  });
  return `${['# Results', measured(report), ...tables].join('\n\n')}\n`;
}

/** The two figures that the README tells. */
export function readmeFigures(report) {
  const figure = figuresOf(report);
  const calls = figure('echo', 'ours', 'perSecond');
  const chunks = figure('sse', 'ours', 'perSecond');
  const told = (value) => (value === undefined ? DASH : shortNumber(value));
  return `${told(calls)} calls and ${told(chunks)} streamed chunks a second on ${report.machine.cores} cores`;
}
