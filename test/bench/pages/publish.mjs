/**
 * Publishes a run: tables into docs/performance.md and the README, each between its markers, the plots beside them, and
 * all tables into test/bench/RESULTS.md. Figures come from the recorded JSON alone, so that no page says what no run has
 * shown. `node test/bench/pages/publish.mjs` writes the pages anew from what is recorded.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { costsTables, fleetTable } from './costs.mjs';
import { plotsOf } from './plots.mjs';
import { readmeFigures, resultsPage, targetsSection } from './tables.mjs';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const RECORDED = 'test/bench/results/published.json';
const PLOTS = 'docs/performance';

/** What stands between which markers of which page. */
const SECTIONS = [
  { path: 'docs/performance.md', name: 'targets', make: targetsSection },
  { path: 'docs/performance.md', name: 'costs', make: costsTables },
  { path: 'docs/performance.md', name: 'fleet', make: fleetTable },
  { path: 'README.md', name: 'figures', make: readmeFigures, isInline: true },
];

/** The page with a section made anew. @throws where the page has no place for it */
export function withSection(page, name, text, isInline = false) {
  const [start, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = page.indexOf(start);
  const to = page.indexOf(end, from);
  if (from < 0 || to < from) throw new Error(`there is no "${start}" … "${end}" to write between`);
  const gap = isInline ? '' : '\n';
  return page.slice(0, from + start.length) + gap + text + gap + page.slice(to);
}

export const recorded = () => JSON.parse(readFileSync(join(ROOT, RECORDED), 'utf8'));

/** @returns a map from path to text: what the pages must be for this run */
export function pagesOf(report) {
  const pages = new Map();
  const textOf = (path) => pages.get(path) ?? readFileSync(join(ROOT, path), 'utf8');
  for (const { path, name, make, isInline } of SECTIONS)
    pages.set(path, withSection(textOf(path), name, make(report), isInline));
  pages.set('test/bench/RESULTS.md', resultsPage(report));
  for (const { path, text } of plotsOf(report)) pages.set(path, text);
  return pages;
}

/** Plots that no workload draws any more. */
const leftOver = (pages) =>
  readdirSync(join(ROOT, PLOTS))
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
