/**
 * Publishes a result file: `node test/bench/update-readme.mjs [results/published.json]` writes the targets into
 * docs/performance.md, between its markers, and all tables into test/bench/RESULTS.md. Numbers come from the file alone, so that
 * neither says what no run has shown.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatNumber, heads, ownRowFor, ratioOf } from './harness/report.mjs';

const START = '<!-- performance: written by test/bench/update-readme.mjs -->';
const END = '<!-- /performance -->';
const page = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
const file = resolve(process.argv[2] ?? fileURLToPath(new URL('results/published.json', import.meta.url)));
const { machine, versions, startedAt, workloads } = JSON.parse(readFileSync(file, 'utf8'));

const cell = (text) => String(text).replaceAll('|', '/');

/** One row per peer: its figure, ours, and which is better by how much. */
function rowsOf(workload) {
  return workload.rows
    .filter((row) => !row.id.startsWith('ours') && row.id !== 'difference')
    .map((row) => {
      const own = ownRowFor(workload.rows, row);
      const ratio = ratioOf(workload, own, row);
      const [column] = workload.columns;
      if (ratio === undefined)
        return `| ${cell(row.label)} | absent | | ${cell(row.absent ?? own?.absent ?? '')} |`;
      const verdict =
        ratio >= 1 ? `**${formatNumber(ratio)} × better**` : `${formatNumber(1 / ratio)} × worse`;
      return `| ${cell(row.label)} | ${formatNumber(row.medians[column])} | ${formatNumber(own.medians[column])} | ${verdict} |`;
    });
}

const table = (workload) =>
  [
    `Load average ${workload.loadAverage} when it began.`,
    '',
    `| ${cell(workload.title)} | theirs, ${heads[workload.columns[0]] ?? workload.columns[0]} | ours | this gateway is |`,
    '|---|--:|--:|---|',
    ...rowsOf(workload),
  ].join('\n');

const targets = Object.entries(workloads)
  .flatMap(([name, { targets: judged, loadAverage }]) =>
    judged.map((target) => ({ ...target, name, loadAverage })),
  )
  .map(
    ({ name, loadAverage, text, got, met }) =>
      `| ${name} | ${cell(text)} | ${loadAverage} | ${formatNumber(got ?? Number.NaN)} | ${met === null ? '–' : met ? 'met' : 'missed'} |`,
  );

const measured =
  `Measured ${startedAt.slice(0, 10)} on ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}, load by ` +
  `${machine.load} on the same machine; medians. Load average is that of the machine when the workload began: where it is high, other work ran beside it. ` +
  `Express ${versions.express}, SDK ${versions['@modelcontextprotocol/sdk']} and ${versions['@modelcontextprotocol/server']}, ` +
  `tmcp ${versions.tmcp}, fastmcp ${versions.fastmcp}, mcp-proxy ${versions['mcp-proxy']}, supergateway ${versions.supergateway}, ` +
  `better-sse ${versions['better-sse']}.`;

const section = [
  START,
  `${measured} All tables: \`test/bench/RESULTS.md\`.`,
  '',
  '| workload | target | load average | got | |',
  '|---|---|--:|--:|---|',
  ...targets,
  END,
].join('\n');

const results = fileURLToPath(new URL('RESULTS.md', import.meta.url));
const tables = Object.values(workloads).map(table);
writeFileSync(results, `${['# Results', measured, ...tables].join('\n\n')}\n`);

const text = readFileSync(page, 'utf8');
const from = text.indexOf(START);
const to = text.indexOf(END);
if (from < 0 || to < from) throw new Error(`${page} has no "${START}" … "${END}" to write between`);
writeFileSync(page, text.slice(0, from) + section + text.slice(to + END.length));
console.log(`${page} and ${results} written from ${file}`);
