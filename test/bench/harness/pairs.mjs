/**
 * The measurements of a workload on two builds of this gateway, and on nobody else: this one and a reference.
 *
 * P1. Both builds are measured one right after the other, in turned order from round to round (A B, B A, …), so that
 *     neither a slow minute of the machine nor the order favours one of them.
 * P2. Every round has new processes, checked and warmed up: two processes of one build differ by some per cent for as
 *     long as they live, by how their code happened to be compiled, which more rounds with them would not even out.
 * P3. A contestant that fails in either build is listed absent with the reason and leaves the rounds.
 */
import { startContestant } from './contestant.mjs';
import { medians } from './medians.mjs';

async function measureCold(entry, specs) {
  const measured = [];
  for (const spec of specs) measured.push(await entry.measure(spec));
  return measured;
}

async function measureWarm(entry, specs) {
  const running = [];
  try {
    for (const spec of specs) {
      const contestant = await startContestant(spec);
      running.push({ contestant });
      running.at(-1).state = await entry.prepare?.(contestant);
      await entry.measure(contestant, running.at(-1).state, true);
    }
    const measured = [];
    for (const { contestant, state } of running) measured.push(await entry.measure(contestant, state, false));
    return measured;
  } finally {
    for (const { contestant } of running) await contestant.stop();
  }
}

/**
 * @param entries as for `runRounds`; those that are not this gateway are left out
 * @param plan {rounds, progress(text), reference: build}
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
        const measured = await measure(row.entry, isTurned ? specs.reverse() : specs);
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
