/** What a run has shown, for people: a table by kind and transport, the violations, and one line that says it all. */
import { TRANSPORT_NAMES, type TransportName } from './clients/transport.ts';
import { PROMISES, type Violation } from './ledger.ts';
import type { ChaosReport } from './run-chaos.ts';

/** Of each promise. */
const SHOWN_VIOLATIONS = 8;
/** More than these name nobody. */
const MOST_SUSPECTS = 6;

export function tableOf({ ledger, options }: ChaosReport): string {
  const names = TRANSPORT_NAMES.filter((name) => options.transports.includes(name));
  const width = Math.max(...options.kinds.map(({ name }) => name.length), 4);
  const columns = names.map((name) => Math.max(name.length, 5));
  const row = (first: string, cells: readonly string[], last: string) =>
    `${first.padEnd(width)}  ${cells.map((cell, at) => cell.padStart(columns[at] ?? 0)).join('  ')}  ${last}`.trimEnd();
  const lines = options.kinds.flatMap(({ name }) => {
    const tallies = names.map((transport) => ledger.tallies.get(`${name} ${transport}`));
    if (tallies.every((tally) => tally === undefined)) return [];
    const cells = tallies.map((tally) =>
      tally ? `${tally.faults}${tally.violations > 0 ? ' !' : ''}` : '.',
    );
    const endings = new Map<string, number>();
    for (const tally of tallies)
      for (const [ending, n] of tally?.endings ?? []) endings.set(ending, (endings.get(ending) ?? 0) + n);
    return [row(name, cells, [...endings].map(([ending, n]) => `${ending} ${n}`).join(', '))];
  });
  const controls = names.map((name) => String(ledger.controlCalls.get(name) ?? 0));
  return [row('kind', names, 'ends'), ...lines, row('control calls', controls, '')].join('\n');
}

export function violationsOf({ ledger, options }: ChaosReport): string {
  const shown = PROMISES.flatMap((promise) =>
    ledger.violations.filter((violation) => violation.promise === promise).slice(0, SHOWN_VIOLATIONS),
  );
  const more = ledger.violations.length - shown.length;
  const lines = shown.map((violation) => {
    const again = reproduction(options.seed, violation);
    return `${violation.promise}: ${violation.text}\n    again: ${again}`;
  });
  return [...lines, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n');
}

/** The smallest command that is likely to show it again. */
export function reproduction(seed: number, { suspects }: Violation): string {
  const kinds = [...new Set(suspects.map(({ kind }) => kind))];
  const transports: TransportName[] = [...new Set(suspects.map(({ transport }) => transport))];
  if (kinds.length === 0 || kinds.length > MOST_SUSPECTS) return `the whole run, --seed ${seed}`;
  const count = Math.max(10, 4 * kinds.length);
  return `npm run chaos -- --seed ${seed} --kinds ${kinds.join()} --transports ${transports.join()} --faults ${count}`;
}

export function verdictOf(report: ChaosReport): string {
  const { ledger, seconds, options, slowestHealthMs, controlLatenciesMs, before, after } = report;
  const counts = PROMISES.map((promise) => `${promise} ${ledger.counts[promise]}`).join(', ');
  const controls = [...ledger.controlCalls.values()].reduce((sum, n) => sum + n, 0);
  const sorted = [...controlLatenciesMs].sort((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
  const figures = [...after].map(([host, is]) => {
    const was = before.get(host);
    return `${host}: files ${was?.fds} → ${is.fds}, threads ${was?.threads} → ${is.threads}, RSS ${was?.rssMib.toFixed(0)} → ${is.rssMib.toFixed(0)} MiB`;
  });
  return [
    ...figures,
    `control calls: median ${at(0.5)} ms, p99 ${at(0.99)} ms, slowest ${at(1)} ms; slowest /health ${Math.round(slowestHealthMs)} ms`,
    `${ledger.isClean ? 'PASS' : 'FAIL'} seed ${options.seed}: ${ledger.faults} faults of ${options.kinds.length} kinds ` +
      `in ${seconds.toFixed(0)} s beside ${controls} control calls: ${counts}`,
  ].join('\n');
}
