/**
 * This build against a reference, figure by figure.
 *
 * C1. A ratio is of one round, whose two measurements were neighbours in time; told is the median of the rounds' ratios.
 *     It is turned so that above 1 always means that this build is better.
 * C2. A figure below a limit is marked. Where not even all rounds say that it is worse, that is told too: run it again,
 *     with more rounds, before it is believed or forgotten.
 */
import { median } from './medians.mjs';
import { formatNumber, heads, moreIsBetter, renderTable } from './report.mjs';

/** What one change may cost, and what all changes since the baseline together may. */
const LIMITS = [0.95, 0.97];

/** What tells about the load and not about the builds. */
const notOfTheBuild = new Set(['clientCores', 'redisCpuUs', 'redisChunkCpuUs']);

/** Undefined where a figure is no size to divide by, such as milliseconds beyond a limit that was kept. */
function ratioOfRound(column, now, reference) {
  if (!(now > 0 && reference > 0)) return undefined;
  return moreIsBetter.has(column) ? now / reference : reference / now;
}

/** @returns [{label, column, reference, now, ratio, worst, best}]; without ratio where a round has none */
export function compare(workload, rows) {
  return rows
    .filter((row) => row.absent === undefined)
    .flatMap((row) =>
      workload.columns
        .filter((column) => !notOfTheBuild.has(column))
        .map((column) => {
          const ratios = row.rounds.map((now, round) =>
            ratioOfRound(column, now[column], row.reference.rounds[round][column]),
          );
          const figures = {
            label: row.label,
            column,
            reference: row.reference.medians[column],
            now: row.medians[column],
          };
          if (ratios.includes(undefined)) return figures;
          return {
            ...figures,
            ratio: median(ratios),
            worst: Math.min(...ratios),
            best: Math.max(...ratios),
          };
        }),
    );
}

const limitBelow = ({ ratio }) => LIMITS.find((limit) => ratio < limit);

function mark(figure) {
  const limit = limitBelow(figure);
  if (limit === undefined) return '';
  return figure.best >= 1 ? `< ${limit}, rounds disagree` : `< ${limit}`;
}

export function comparisonTable(name, workload, rows, figures) {
  const header = [name, 'figure', 'reference', 'now', 'ratio', 'spread', ''];
  const lines = figures.map((figure) => [
    figure.label,
    heads[figure.column] ?? figure.column,
    formatNumber(figure.reference),
    formatNumber(figure.now),
    figure.ratio === undefined ? '–' : figure.ratio.toFixed(3),
    figure.ratio === undefined ? '' : `${figure.worst.toFixed(2)}–${figure.best.toFixed(2)}`,
    mark(figure),
  ]);
  const absent = rows
    .filter((row) => row.absent !== undefined)
    .map((row) => `${row.label}: absent, ${row.absent.slice(0, 200)}`);
  return [
    `### ${workload.title}`,
    '',
    renderTable(header, lines),
    ...(absent.length > 0 ? ['', ...absent] : []),
  ].join('\n');
}

/** The last line of a run. @param compared [{name, figures, rows}] per workload */
export function summary(compared) {
  const parts = [...LIMITS].reverse().map((limit) => {
    const below = compared.flatMap(({ name, figures }) =>
      figures
        .filter((figure) => limitBelow(figure) === limit)
        .map(
          (figure) =>
            `${name} ${figure.label} ${heads[figure.column] ?? figure.column} ${figure.ratio.toFixed(3)}${figure.best >= 1 ? ' (rounds disagree)' : ''}`,
        ),
    );
    return `below ${limit}: ${below.join('; ') || 'none'}`;
  });
  const absent = compared.flatMap(({ name, rows }) =>
    rows.filter((row) => row.absent !== undefined).map((row) => `${name} ${row.label}`),
  );
  if (absent.length > 0) parts.push(`not measured: ${absent.join('; ')}`);
  return parts.join(' · ');
}
