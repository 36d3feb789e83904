/**
 * Publishes a run: tables and plots into docs/performance.md, between its markers, and all tables into
 * test/bench/RESULTS.md. Figures come from the recorded JSON alone, so that no page says what no run has
 * shown. `node test/bench/pages/publish.mjs` writes the pages anew from what is recorded.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { plotsOf } from './plots.mjs';
import { measuredSection, resultsPage } from './tables.mjs';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const RECORDED = 'test/bench/results/published.json';
const PLOTS = 'docs/performance';

const PAGE = 'docs/performance.md';
const [START, END] = ['<!-- measured -->', '<!-- /measured -->'];

/** @throws where the page has no place for what was measured: better asked before a run than after it */
export function placeOnPage() {
  const page = readFileSync(join(ROOT, PAGE), 'utf8');
  const from = page.indexOf(START);
  const to = page.indexOf(END, from);
  if (from < 0 || to < from) throw new Error(`${PAGE} has no "${START}" … "${END}" to write between`);
  return { before: page.slice(0, from + START.length), after: page.slice(to) };
}

export const recorded = () => JSON.parse(readFileSync(join(ROOT, RECORDED), 'utf8'));

/** @returns a map from path to text: what the pages must be for this run */
export function pagesOf(report) {
  const { before, after } = placeOnPage();
  const plots = plotsOf(report);
  return new Map([
    [PAGE, `${before}\n${measuredSection(report, plots)}\n${after}`],
    ['test/bench/RESULTS.md', resultsPage(report)],
    ...plots.map(({ path, text }) => [path, text]),
  ]);
}

/** Plots that no workload draws any more. */
const leftOver = (pages) =>
  (existsSync(join(ROOT, PLOTS)) ? readdirSync(join(ROOT, PLOTS)) : [])
    .map((name) => `${PLOTS}/${name}`)
    .filter((path) => path.endsWith('.svg') && !pages.has(path));

function write(pages) {
  for (const [path, text] of pages) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), text);
  }
  for (const path of leftOver(pages)) rmSync(join(ROOT, path));
  return [...pages.keys()];
}

/** Records a run as the published one. @returns the paths that were written */
export function publish(report) {
  writeFileSync(join(ROOT, RECORDED), `${JSON.stringify(report, null, 2)}\n`);
  return [RECORDED, ...write(pagesOf(report))];
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const path of write(pagesOf(recorded()))) console.log(path);
