/** (m) I/O-bound tools: each call waits 10 ms, 500 in flight; on one core the wait alone would allow 50 000 a second. */
import { leanSubprocessPool, nodeHttp, ours, plainExpress, sdkV1Stateful } from '../harness/contestants.mjs';
import { loadHttp } from '../harness/http-load.mjs';
import { checkOnce, mcp2025Request, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const IN_FLIGHT = 500;
const WAIT = { delayMs: 10 };

export const title = '(m) tools that wait 10 ms, 500 in flight';
export const columns = ['perSecond', 'p50Ms', 'p99Ms', 'cpuUs'];

export function run(plan) {
  const entry = (spec, makeRequest = async () => toolRequest('wait', WAIT)) => ({
    spec,
    prepare: async (contestant) => {
      const request = { ...(await makeRequest(contestant, 'wait', WAIT)), expect: 'waited' };
      await checkOnce(contestant, request);
      return request;
    },
    measure: (contestant, request, warmUp) =>
      loadHttp(contestant, request, {
        connections: IN_FLIGHT,
        seconds: warmUp ? plan.warmUpSeconds : plan.seconds,
      }),
  });
  return runRounds(
    [
      entry(ours({ CALLS_PER_WORKER: '256' })),
      entry(nodeHttp),
      entry(plainExpress),
      entry(leanSubprocessPool(2)),
      entry(sdkV1Stateful, mcp2025Request),
    ],
    plan,
  );
}
