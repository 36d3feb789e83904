/** (o) Echo on few and on many connections, each with one call in flight. */
import { MANY_CALLS, nodeHttp, ours } from '../harness/contestants.mjs';
import { httpEntry } from '../harness/http-rounds.mjs';
import { TEXT, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const FEW = 32;
const MANY = 2_000;

export const title = '(o) echo, POST /tools/echo, 32 and 2 000 connections';
export const columns = ['perSecond', 'p50Ms', 'p99Ms', 'cpuUs'];
export const targets = [{ of: 'ours-many', than: 'ours', atLeast: 0.8 }];

export function run(plan) {
  const request = toolRequest('echo', { text: TEXT });
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
