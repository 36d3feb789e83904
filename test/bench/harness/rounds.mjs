/**
 * Runs the same measurement on all contestants in alternation, so that a slow minute of the machine hits everyone.
 *
 * R1. Every contestant is started, checked and warmed up before the first round.
 * R2. A contestant that fails anywhere is listed absent with the reason and leaves the rounds.
 * R3. A `cold` entry starts and stops its own process in each measurement, and has no warm-up.
 * R4. A further round begins only where one like the last would end before the plan's `deadline`; one is always run.
 * R5. `sideBySide` entries are cold ones that tell of memory and not of time: all of them are measured at once.
 * R6. With a reference build in the plan, only this gateway runs, in pairs with that build (pairs.mjs).
 */
import { Absence, startContestant } from './contestant.mjs';
import { medians } from './medians.mjs';
import { runPairs } from './pairs.mjs';

/**
 * The plan with rounds of a second instead of fewer long ones, for loads that tell as much in one: the machine's speed
 * changes within seconds, and more rounds, in turns that are neighbours, even that out.
 */
export const inShortTurns = (plan) =>
  plan.reference === undefined && plan.seconds > 1
    ? { ...plan, rounds: Math.ceil(plan.rounds * plan.seconds), seconds: 1 }
    : plan;

/**
 * @param entries [{spec, id?, label?, beside?: id of the row it is compared with, line?, at?: its place in a plot (curve.mjs),
 *        prepare?(contestant) → state, measure(contestant, state, warmUp) → {field: number}}]
 *        or [{spec, …, cold: true, sideBySide?, measure(spec) → {field: number}}]
 * @param plan {rounds, deadline?, progress(text), reference?: build}
 * @returns [{id, label, beside?, line?, at?, medians, rounds}], with `absent` in the place of figures where there are none
 */
export async function runRounds(entries, plan) {
  if (plan.reference !== undefined) return runPairs(entries, plan);
  const running = new Map();
  const rows = entries.map((entry) => ({
    id: entry.id ?? entry.spec.id,
    label: entry.label ?? entry.spec.label,
    beside: entry.beside,
    line: entry.line,
    at: entry.at,
    rounds: [],
  }));
  const attempt = async (index, step) => {
    if (rows[index].absent !== undefined) return;
    try {
      await step(entries[index], rows[index]);
    } catch (error) {
      rows[index].absent = error instanceof Absence ? error.message : `failed: ${error.message}`;
    }
  };
  try {
    for (const index of entries.keys()) {
      if (entries[index].cold) continue;
      await attempt(index, async (entry, row) => {
        plan.progress(`warm-up ${row.label}`);
        const key = JSON.stringify([entry.spec.id, entry.spec.env]);
        if (!running.has(key)) running.set(key, await startContestant(entry.spec));
        row.contestant = running.get(key);
        row.state = await entry.prepare?.(row.contestant);
        await entry.measure(row.contestant, row.state, true);
      });
    }
    let lastMs = 0;
    for (let round = 1; round <= plan.rounds; round += 1) {
      const beganAt = performance.now();
      if (round > 1 && beganAt + lastMs > (plan.deadline ?? Number.POSITIVE_INFINITY)) break;
      const measureOne = (index) =>
        attempt(index, async (entry, row) => {
          plan.progress(`round ${round}/${plan.rounds} ${row.label}`);
          row.rounds.push(await entry.measure(entry.cold ? entry.spec : row.contestant, row.state, false));
        });
      const isTogether = (index) => entries[index].sideBySide === true;
      await Promise.all([...entries.keys()].filter(isTogether).map(measureOne));
      for (const index of entries.keys()) if (!isTogether(index)) await measureOne(index);
      lastMs = performance.now() - beganAt;
    }
  } finally {
    for (const contestant of running.values()) await contestant.stop();
  }
  return rows.map(({ contestant, state, rounds, ...row }) =>
    row.absent === undefined ? { ...row, medians: medians(rounds), rounds } : row,
  );
}
