/**
 * (r) I/O-bound tools again, with room for all calls at once: each waits 10 ms, 500 and 2 000 in flight. The waits alone
 * would allow 50 000 and 200 000 a second.
 */
import { MANY_CALLS, nodeHttp, ours } from '../harness/contestants.mjs';
import { httpEntry } from '../harness/http-rounds.mjs';
import { toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const FEW = 500;
const MANY = 2_000;

export const title = '(r) tools that wait 10 ms, 500 and 2 000 in flight';
export const columns = ['perSecond', 'p50Ms', 'p99Ms', 'cpuUs'];

export function run(plan) {
  const request = { ...toolRequest('wait', { delayMs: 10 }), expect: 'waited' };
  const own = ours(MANY_CALLS);
  const entry = (spec, connections, more = {}) =>
    httpEntry(spec, request, plan, { label: `${spec.label}, ${connections}`, connections, ...more });
  return runRounds(
    [
      entry(own, FEW),
      entry(own, MANY, { id: 'ours-many' }),
      entry(nodeHttp, FEW),
      entry(nodeHttp, MANY, { id: 'node-http-many', beside: 'ours-many' }),
    ],
    plan,
  );
}
