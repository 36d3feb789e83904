/** (q) Many SSE streams at once, each as fast as it goes; beside it one stream alone, read by the same client. */
import { MANY_CALLS, nodeHttp, ours } from '../harness/contestants.mjs';
import { checkStream, loadStreams } from '../harness/many-streams.mjs';
import { streamRequest, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const SHAPE = { streams: 1_000, chunks: 5_000 };
const QUICK_SHAPE = { streams: 200, chunks: 500 };
const ONE = { streams: 1, chunks: 1_000_000 };
const QUICK_ONE = { streams: 1, chunks: 100_000 };
/** What compilers need, not the whole shape. */
const WARM_UP_PART = 0.1;

export const title = '(q) 1 000 SSE streams of 5 000 small chunks at once';
export const columns = ['perSecond', 'chunkCpuUs', 'peakMebibytes', 'clientCores'];
export const targets = [{ than: 'ours-one', atLeast: 0.7 }];

export function run(plan) {
  const entry = (spec, makeRequest, shape, more = {}) => {
    const request = makeRequest(shape.chunks);
    const warmUpChunks = shape.chunks * WARM_UP_PART;
    return {
      spec,
      ...more,
      prepare: (contestant) => checkStream(contestant, makeRequest(warmUpChunks), warmUpChunks),
      measure: (contestant, _state, isWarmUp) =>
        isWarmUp
          ? loadStreams(contestant, makeRequest(warmUpChunks), { ...shape, chunks: warmUpChunks })
          : loadStreams(contestant, request, shape),
    };
  };
  const many = plan.quick ? QUICK_SHAPE : SHAPE;
  const own = (count) => streamRequest('chunks', { count });
  return runRounds(
    [
      entry(ours(MANY_CALLS), own, many),
      entry(ours({}, 'ours-one', 'this gateway, one stream'), own, plan.quick ? QUICK_ONE : ONE),
      entry(nodeHttp, (count) => toolRequest('chunks', { count }), many),
    ],
    plan,
  );
}
