/** (j) Cold start: from the start of the process to the first answered echo over HTTP. */
import { startContestant } from '../harness/contestant.mjs';
import {
  fastmcpStateful,
  mcpProxy,
  nodeHttp,
  ours,
  plainExpress,
  sdkV1Stateful,
  sdkV2,
  subprocessPool,
  supergateway,
  tmcp,
} from '../harness/contestants.mjs';
import { checkOnce, mcp2025Request, TEXT, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

export const title = '(j) cold start, HTTP: ms from process start to the first echo';
export const columns = ['firstAnswerMs'];
export const lessIsBetter = true;
export const targets = [{ field: 'firstAnswerMs', atMost: 600, text: 'ms to the first answer over HTTP' }];

const rest = async () => toolRequest('echo', { text: TEXT });

export function run(plan) {
  const entry = (spec, makeRequest) => ({
    spec,
    cold: true,
    measure: async (started) => {
      const startedAt = performance.now();
      const contestant = await startContestant(started);
      try {
        await checkOnce(contestant, await makeRequest(contestant, 'echo', { text: TEXT }));
        return { firstAnswerMs: performance.now() - startedAt };
      } finally {
        await contestant.stop();
      }
    },
  });
  return runRounds(
    [
      ...[ours(), nodeHttp, plainExpress, subprocessPool(2)].map((spec) => entry(spec, rest)),
      ...[sdkV1Stateful, sdkV2, fastmcpStateful, tmcp, mcpProxy, supergateway].map((spec) =>
        entry(spec, mcp2025Request),
      ),
    ],
    plan,
  );
}
