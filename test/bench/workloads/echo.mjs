/**
 * (a) Echo over POST /tools/echo, 32 connections. The exclusive echo has a gateway of its own: it makes the pool grow to
 * its maximum, which the shared one never needs.
 */
import {
  expressPiscina,
  leanSubprocessPool,
  nodeHttp,
  ours,
  plainExpress,
  subprocessPool,
} from '../harness/contestants.mjs';
import { loadHttp } from '../harness/http-load.mjs';
import { checkOnce, TEXT, toolRequest } from '../harness/requests.mjs';
import { inShortTurns, runRounds } from '../harness/rounds.mjs';

const CONNECTIONS = 32;

export const title = '(a) echo, POST /tools/echo, 32 connections';
export const columns = ['perSecond', 'p50Ms', 'p99Ms', 'cpuUs', 'mainCpuUs'];
export const targets = [
  { than: 'express', atLeast: 2 },
  { than: 'subprocesses-lean', atLeast: 2 },
  { than: 'node-http', atLeast: 0.4 },
  { than: 'express-piscina', atLeast: 2 },
];

export function run(given) {
  const plan = inShortTurns(given);
  const entry = (spec, tool = 'echo') => ({
    spec,
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
  return runRounds(
    [
      entry(ours()),
      entry(ours({}, 'ours-exclusive', 'this gateway, exclusive tool'), 'echo_exclusive'),
      entry(nodeHttp),
      entry(plainExpress),
      entry(expressPiscina()),
      entry(subprocessPool(2)),
      entry(leanSubprocessPool(2)),
    ],
    plan,
  );
}
