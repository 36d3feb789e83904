/** (p) Echo with more and more threads ready: threads that a load does not need should cost it nothing. */
import { nodeHttp, ours } from '../harness/contestants.mjs';
import { httpEntry } from '../harness/http-rounds.mjs';
import { TEXT, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const CONNECTIONS = 32;

export const title = '(p) echo, 32 connections, with 2, 8 and 32 threads ready';
export const columns = ['perSecond', 'p99Ms', 'cpuUs', 'mebibytes'];
export const targets = [{ of: 'ours-32', than: 'ours', atLeast: 0.9 }];

export function run(plan) {
  const request = toolRequest('echo', { text: TEXT });
  const entry = (spec) =>
    httpEntry(spec, request, plan, {
      connections: CONNECTIONS,
      after: (contestant) => ({ mebibytes: contestant.memoryBytes().resident / 2 ** 20 }),
    });
  const gateway = (threads, id) =>
    ours(
      { MIN_WORKERS: String(threads), MAX_WORKERS: String(threads) },
      id,
      `this gateway, ${threads} threads`,
    );
  return runRounds(
    [gateway(2, 'ours'), gateway(8, 'ours-8'), gateway(32, 'ours-32'), nodeHttp].map(entry),
    plan,
  );
}
