/** (a) Echo over POST /tools/echo, 32 connections. */
import { leanSubprocessPool, nodeHttp, ours, plainExpress, subprocessPool } from '../harness/contestants.mjs';
import { loadHttp } from '../harness/http-load.mjs';
import { checkOnce, TEXT, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const CONNECTIONS = 32;

export const title = '(a) echo, POST /tools/echo, 32 connections';
export const columns = ['perSecond', 'p50Ms', 'p99Ms', 'cpuUs'];
export const targets = [
  { than: 'express', atLeast: 2 },
  { than: 'subprocesses-lean', atLeast: 2 },
  { than: 'node-http', atLeast: 0.4 },
];

export function run(plan) {
  const entry = (spec, tool = 'echo', more = {}) => ({
    spec,
    ...more,
    prepare: async (contestant) => {
      const request = toolRequest(tool, { text: TEXT });
      await checkOnce(contestant, request);
      return request;
    },
    measure: (contestant, request, warmUp) =>
      loadHttp(contestant, request, {
        connections: CONNECTIONS,
        seconds: warmUp ? plan.warmUpSeconds : plan.seconds,
      }),
  });
  const gateway = ours();
  return runRounds(
    [
      entry(gateway),
      entry(gateway, 'echo_exclusive', { id: 'ours-exclusive', label: 'this gateway, exclusive tool' }),
      entry(nodeHttp),
      entry(plainExpress),
      entry(subprocessPool(2)),
      entry(leanSubprocessPool(2)),
    ],
    plan,
  );
}
