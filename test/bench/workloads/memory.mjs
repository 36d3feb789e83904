/** (k) Memory with 8 warm threads against 8 warm subprocesses: resident, and with shared pages counted once. */
import { delay, startContestant } from '../harness/contestant.mjs';
import { leanSubprocessPool, ours, subprocessPool } from '../harness/contestants.mjs';
import { loadHttp } from '../harness/http-load.mjs';
import { TEXT, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const WORKERS = 8;
const SETTLE_MS = 1_500;

export const title = '(k) memory of 8 warm workers after echo and wait calls on all of them, MiB';
export const columns = ['mebibytes', 'sharedOnceMebibytes'];
export const lessIsBetter = true;
export const targets = [{ than: 'subprocesses', atLeast: 2 }];

export function run(plan) {
  const entry = (spec) => ({
    spec,
    cold: true,
    measure: async (started) => {
      const contestant = await startContestant(started);
      try {
        await loadHttp(contestant, toolRequest('wait', { delayMs: 20 }), { connections: 64, seconds: 1 });
        await loadHttp(contestant, toolRequest('echo', { text: TEXT }), { connections: 32, seconds: 1 });
        await delay(SETTLE_MS);
        const { resident, sharedOnce } = contestant.memoryBytes();
        return { mebibytes: resident / 2 ** 20, sharedOnceMebibytes: sharedOnce / 2 ** 20 };
      } finally {
        await contestant.stop();
      }
    },
  });
  const threads = { MIN_WORKERS: String(WORKERS), MAX_WORKERS: String(WORKERS) };
  return runRounds(
    [entry(ours(threads)), entry(subprocessPool(WORKERS)), entry(leanSubprocessPool(WORKERS))],
    plan,
  );
}
