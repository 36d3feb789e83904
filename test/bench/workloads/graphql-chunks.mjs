/** (v) 200 000 small chunks by a subscription of GraphQL over SSE, beside our SSE. */
import { runChunkRounds } from '../harness/chunk-rounds.mjs';
import { ours } from '../harness/contestants.mjs';
import { graphqlRequest, streamRequest } from '../harness/requests.mjs';

const SUBSCRIPTION = `subscription ($arguments: JSON) {
  call(tool: "chunks", arguments: $arguments) { ... on CallChunks { index items } }
}`;

export const title = '(v) small chunks by a subscription of GraphQL';
export const columns = ['perSecond', 'mebibytesPerSecond', 'chunkCpuUs'];
export const targets = [
  { field: 'perSecond', atLeast: 200_000, text: 'chunks per second by a subscription, in batches' },
];

export function run(plan) {
  const gateway = ours({ GRAPHQL: 'on' });
  return runChunkRounds(
    [
      {
        spec: gateway,
        label: 'this gateway, GraphQL',
        job: async (_contestant, count) => ({
          ...graphqlRequest(SUBSCRIPTION, { arguments: { count } }, 'text/event-stream'),
          until: 'event: complete',
          verify: '{"n":(\\d+),',
        }),
      },
      {
        spec: gateway,
        id: 'ours-sse',
        label: 'this gateway, SSE',
        job: async (_contestant, count) => ({
          ...streamRequest('chunks', { count }),
          until: 'event: done',
          verify: '"index":(\\d+),',
        }),
      },
    ],
    plan,
  );
}
