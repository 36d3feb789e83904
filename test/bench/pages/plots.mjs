/** The plots of a run: what its workloads say to draw, as files of SVG. */
import { plotSvg } from './svg-plot.mjs';

/** One line per server, through those of its sizes that were measured. */
function linesOf(rows, column) {
  const lines = new Map();
  for (const { line, at, medians, id } of rows) {
    const value = medians?.[column];
    if (line === undefined || !Number.isFinite(value)) continue;
    if (!lines.has(line)) lines.set(line, { label: line, isOwn: id.startsWith('ours'), points: [] });
    lines.get(line).points.push([at, value]);
  }
  return [...lines.values()];
}

/** What stands under a figure: when, and on what. */
export const noteOf = ({ machine }, { startedAt }) =>
  `${startedAt.slice(0, 10)}, ${machine.cores} cores, Node ${machine.node.replace('v', '')}, load on the same machine`;

/** @returns [{path: from the project's root, title, text}] */
export function plotsOf(report) {
  return Object.values(report.workloads).flatMap((workload) =>
    (workload.plots ?? []).flatMap(({ name, title, x, y }) => {
      const lines = linesOf(workload.rows, y.column);
      if (lines.length === 0) return [];
      const text = plotSvg({ title, note: noteOf(report, workload), x, y, lines });
      return { path: `docs/performance/${name}.svg`, title, text };
    }),
  );
}
