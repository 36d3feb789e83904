/**
 * (r) I/O-bound tools with room for all calls at once: each waits 10 ms. The waits alone would allow 50 000 a second with
 * 500 in flight, and 200 000 with 2 000; this gateway's echo in the same run says what a call that does nothing allows.
 */
import {
  expressPiscina,
  leanSubprocessPool,
  MANY_CALLS,
  nodeHttp,
  ours,
  plainExpress,
  sdkV1Stateful,
} from '../harness/contestants.mjs';
import { curve } from '../harness/curve.mjs';
import { httpEntry } from '../harness/http-rounds.mjs';
import { mcp2025Request, TEXT, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const WAIT_MS = 10;
const IN_FLIGHT = [32, 500, 2_000];
const ECHO_CONNECTIONS = 32;

export const title = '(r) tools that wait 10 ms, by calls in flight';
export const columns = ['perSecond', 'p50Ms', 'p99Ms', 'cpuUs', 'mainCpuUs'];
export const targets = [500, 2_000].flatMap((inFlight) => [
  {
    of: `ours-${inFlight}`,
    than: 'ours-echo',
    field: 'perSecond',
    ideal: (inFlight * 1000) / WAIT_MS,
    atLeast: 0.8,
    text: `waits, ${inFlight} in flight, of the smaller of ideal and echo`,
  },
  {
    of: `ours-${inFlight}`,
    than: `node-http-${inFlight}`,
    field: 'p99Ms',
    atMost: 3,
    text: `p99 of waits, ${inFlight} in flight, of bare node:http`,
  },
]);
export const plots = [
  {
    name: 'waits',
    title: 'Tools that wait 10 ms, by calls in flight',
    x: { label: 'calls in flight', log: true },
    y: { column: 'perSecond', label: 'calls a second' },
  },
];

export function run(plan) {
  const own = ours(MANY_CALLS);
  const args = { delayMs: WAIT_MS };
  const rest = { ...toolRequest('wait', args), expect: 'waited' };
  const mcp = async (contestant) => ({
    ...(await mcp2025Request(contestant, 'wait', args)),
    expect: 'waited',
  });
  const entries = curve(
    [own, nodeHttp, plainExpress, expressPiscina(2, 2_000), leanSubprocessPool(2), sdkV1Stateful],
    IN_FLIGHT,
    (spec, connections) => httpEntry(spec, spec === sdkV1Stateful ? mcp : rest, plan, { connections }),
  );
  const echo = httpEntry(own, toolRequest('echo', { text: TEXT }), plan, {
    id: 'ours-echo',
    label: 'this gateway, echo on 32 connections',
    connections: ECHO_CONNECTIONS,
  });
  return runRounds([...entries, echo], plan);
}
