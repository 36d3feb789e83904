/** (i) A client leaves a tool that spins and cannot be asked to stop: time until a fresh echo answers. */
import { burnRequest, startCall, timeCall } from '../harness/call.mjs';
import { delay } from '../harness/contestant.mjs';
import { leanSubprocessPool, ours, plainExpress } from '../harness/contestants.mjs';
import { TEXT, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const SPIN_MS = 5_000;
const QUICK_SPIN_MS = 2_500;
const BEFORE_LEAVING_MS = 300;
const GRACE_MS = 1_000;

export const title =
  '(i) the client of a spinning tool leaves: ms until a fresh echo answers (grace 1 s, spin 5 s)';
export const columns = ['freshEchoMs', 'beyondGraceMs'];
export const lessIsBetter = true;
export const targets = [
  { of: 'ours', field: 'beyondGraceMs', atMost: 100, text: 'full pool, ms beyond the grace' },
  { of: 'ours-free', field: 'freshEchoMs', atMost: 50, text: 'with a free thread, ms' },
];

export function run(plan) {
  const spin = burnRequest(plan.quick ? QUICK_SPIN_MS : SPIN_MS);
  const echo = toolRequest('echo', { text: TEXT });
  const entry = (spec, label) => ({
    spec,
    label,
    prepare: (contestant) => timeCall(contestant, echo),
    measure: async (contestant) => {
      const call = startCall(contestant, spin);
      call.promise.catch(() => {});
      await delay(BEFORE_LEAVING_MS);
      call.abandon();
      const freshEchoMs = await timeCall(contestant, echo);
      await delay(GRACE_MS + BEFORE_LEAVING_MS);
      return { freshEchoMs, beyondGraceMs: freshEchoMs - GRACE_MS };
    },
  });
  const gateway = (threads, id) =>
    ours({ MIN_WORKERS: threads, MAX_WORKERS: threads, CANCEL_GRACE: String(GRACE_MS / 1000) }, id);
  return runRounds(
    [
      entry(gateway('1', 'ours'), 'this gateway, its only thread spins'),
      entry(gateway('2', 'ours-free'), 'this gateway, a second thread is free'),
      entry(plainExpress),
      entry(leanSubprocessPool(1)),
    ],
    plan,
  );
}
