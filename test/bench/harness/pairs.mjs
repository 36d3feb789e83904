/**
 * The measurements of a workload on two builds of this gateway, and on nobody else: this one and a reference.
 *
 * P1. Both builds are measured one right after the other, in turned order (A B, B A, …), so that neither a slow moment of
 *     the machine nor the order favours one of them. Short measurements take several turns in a round, and the round's
 *     figures are the best of them: what else a machine does comes and goes within seconds, and only ever makes them worse.
 * P2. Every round has new processes, checked and warmed up: two processes of one build may differ for as long as they
 *     live, by how their code happened to be compiled, which more rounds with the same two would not even out.
 * P3. A contestant that fails in either build is listed absent with the reason and leaves the rounds.
 */
import { delay, startContestant } from './contestant.mjs';
import { medians } from './medians.mjs';
import { moreIsBetter } from './report.mjs';

const TURNS = 8;
/** No further turn begins after so long: measurements of seconds are repeated by the rounds alone. */
const TURNS_LIMIT_MS = 7_000;
/** The one warmed up last still starts threads, compiles and collects for a while: nothing to measure the first beside. */
const SETTLE_MS = 1_500;

function bestOf(turns) {
  const best = {};
  for (const key of Object.keys(turns[0])) {
    const values = turns.map((turn) => turn[key]);
    best[key] = moreIsBetter.has(key) ? Math.max(...values) : Math.min(...values);
  }
  return best;
}

/** @returns the best figures of both, in the order given */
async function takeTurns(measurements, limitMs) {
  const taken = measurements.map(() => []);
  const startedAt = performance.now();
  const order = [...measurements.keys()];
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const at of order) taken[at].push(await measurements[at]());
    order.reverse();
    if (performance.now() - startedAt > limitMs) break;
  }
  return taken.map(bestOf);
}

const measureCold = (entry, specs, limitMs) =>
  takeTurns(
    specs.map((spec) => () => entry.measure(spec)),
    limitMs,
  );

async function measureWarm(entry, specs, limitMs) {
  const running = [];
  try {
    for (const spec of specs) {
      const contestant = await startContestant(spec);
      running.push({ contestant });
      running.at(-1).state = await entry.prepare?.(contestant);
      await entry.measure(contestant, running.at(-1).state, true);
    }
    await delay(SETTLE_MS);
    const measurements = running.map(
      ({ contestant, state }) =>
        () =>
          entry.measure(contestant, state, false),
    );
    return await takeTurns(measurements, limitMs);
  } finally {
    for (const { contestant } of running) await contestant.stop();
  }
}

/**
 * @param entries as for `runRounds`; those that are not this gateway are left out
 * @param plan {rounds, quick, progress(text), reference: build}
 * @returns as `runRounds`, with `reference: {medians, rounds}` beside this build's; the n-th rounds were run as a pair
 */
export async function runPairs(entries, plan) {
  const rows = entries
    .filter(({ spec }) => spec.fromBuild !== undefined)
    .map((entry) => ({
      id: entry.id ?? entry.spec.id,
      label: entry.label ?? entry.spec.label,
      entry,
      now: [],
      reference: [],
    }));
  for (let round = 1; round <= plan.rounds; round += 1) {
    for (const row of rows) {
      if (row.absent !== undefined) continue;
      plan.progress(`round ${round}/${plan.rounds} ${row.label}`);
      const { spec } = row.entry;
      const specs = [spec, spec.fromBuild(plan.reference)];
      const isTurned = round % 2 === 0;
      try {
        const measure = row.entry.cold ? measureCold : measureWarm;
        const measured = await measure(
          row.entry,
          isTurned ? specs.reverse() : specs,
          plan.quick ? 0 : TURNS_LIMIT_MS,
        );
        const [now, reference] = isTurned ? measured.reverse() : measured;
        row.now.push(now);
        row.reference.push(reference);
      } catch (error) {
        row.absent = `failed in round ${round}: ${error.message}`;
      }
    }
  }
  return rows.map(({ id, label, absent, now, reference }) =>
    absent === undefined
      ? {
          id,
          label,
          medians: medians(now),
          rounds: now,
          reference: { medians: medians(reference), rounds: reference },
        }
      : { id, label, absent },
  );
}
