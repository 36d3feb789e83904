/**
 * What a contestant holds: its memory when it has collected its garbage. Without that the figure tells when the collector
 * ran last, and one contestant's differs by a factor of three from run to run.
 */
import { fileURLToPath } from 'node:url';
import { delay } from './contestant.mjs';

const SETTLE_MS = 500;
/** V8 gives memory back in steps over some 8 s of quiet; after so many collections, one each SETTLE_MS, nothing moves. */
const COLLECTIONS = 20;
const QUICK_COLLECTIONS = 4;
const collector = fileURLToPath(new URL('collect-garbage.mjs', import.meta.url));

/** The contestant with our collector in it, in its threads and in what it starts with Node's options of its own. */
export const collecting = (spec) => ({
  ...spec,
  args: (port) => ['--expose-gc', '--import', collector, ...spec.args(port)],
});

/** @returns bytes; without pages of files, whose share of a process changes when others come and go */
export async function heldBytes(contestant, plan) {
  for (let n = 0; n < (plan.quick ? QUICK_COLLECTIONS : COLLECTIONS); n += 1) {
    process.kill(contestant.pid, 'SIGUSR2');
    await delay(SETTLE_MS);
  }
  return contestant.memoryBytes().anonymous;
}
