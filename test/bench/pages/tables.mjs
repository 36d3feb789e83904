/** What a run's JSON says, as Markdown: the section of docs/performance.md, and all tables. */
import { posix } from 'node:path';
import { formatNumber, table } from '../harness/report.mjs';
import { costsTables, fleetTable } from './costs.mjs';

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

function publishedTargets(report) {
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

/** What stands in docs/performance.md of a run. @param plots as `plotsOf` gives them */
export function measuredSection(report, plots) {
  const has = (...names) => names.every((name) => report.workloads[name] !== undefined);
  const images = plots.map(({ path, title }) => `![${title}](${posix.relative('docs', path)})`);
  return [
    publishedTargets(report),
    ...(images.length > 0 ? ['## The curves', ...images] : []),
    ...(has('costs') ? ['## What things cost', costsTables(report)] : []),
    ...(has('costs', 'fleet') ? ['## From one host to a fleet', FLEET_ARITHMETIC, fleetTable(report)] : []),
  ].join('\n\n');
}

const FLEET_ARITHMETIC =
  'Cores busy: how many a second × CPU of one. Hosts: cores busy ÷ (cores of a host × 0.6), since at 60 % of its cores a ' +
  'host has room for a burst and for the work of another that is lost; and one more, so that one may be lost. Gateways: how ' +
  'many a second × CPU of the main thread ÷ 0.6 of a core, since that thread reads and writes all sockets of its process. ' +
  "Memory: what is open × its memory, and the gateways with their threads. A tool's own work is in none of these.";

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
