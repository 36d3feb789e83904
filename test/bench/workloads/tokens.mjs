/**
 * (n) Token streams: what a gateway before a language model does. Many SSE streams at once, each with a small chunk every
 * 20 ms. The chunks come one by one, so that nothing can be written together: the cost of one is what counts.
 */
import { MANY_CALLS, nodeHttp, ours } from '../harness/contestants.mjs';
import { checkStream, loadStreams } from '../harness/many-streams.mjs';
import { streamRequest, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const SHAPE = { streams: 3_000, chunks: 50 };
const QUICK_SHAPE = { streams: 500, chunks: 25 };
const EVERY_MS = 20;

export const title = '(n) token streams: 3 000 SSE streams of 50 chunks, one every 20 ms';
export const columns = ['chunkCpuUs', 'wallMs', 'perSecond', 'clientCores'];
export const lessIsBetter = true;
export const targets = [{ than: 'node-http', atLeast: 0.67 }];

export function run(plan) {
  const shape = plan.quick ? QUICK_SHAPE : SHAPE;
  const args = { count: shape.chunks, everyMs: EVERY_MS };
  const entry = (spec, request) => ({
    spec,
    prepare: (contestant) => checkStream(contestant, request, shape.chunks),
    measure: (contestant) => loadStreams(contestant, request, shape),
  });
  return runRounds(
    [entry(ours(MANY_CALLS), streamRequest('tokens', args)), entry(nodeHttp, toolRequest('tokens', args))],
    plan,
  );
}
