/** (d) 200 000 small chunks to one SSE client. */
import { runChunkRounds } from '../harness/chunk-rounds.mjs';
import { betterSse, fastmcpStateful, ours, plainLoop, sdkV1Stateful } from '../harness/contestants.mjs';
import { ID_MARK, mcp2025Request, streamRequest, toolRequest } from '../harness/requests.mjs';

const SLOW_CHUNKS = 5_000;

export const title = '(d) small chunks to one SSE client';
export const columns = ['perSecond', 'mebibytesPerSecond', 'chunkCpuUs'];
export const targets = [
  { than: 'res-write', atLeast: 2 },
  { than: 'better-sse', atLeast: 5 },
  { than: 'fastmcp-stateful', atLeast: 50 },
  { field: 'perSecond', atLeast: 1_000_000, text: 'chunks per second through a worker' },
];

const verify = '"index":(\\d+),';
const until = 'event: done';
const withId = (request) => ({ ...request, body: request.body.replace(ID_MARK, '10000000') });

export function run(plan) {
  return runChunkRounds(
    [
      {
        spec: ours(),
        job: async (_contestant, count) => ({ ...streamRequest('chunks', { count }), until, verify }),
      },
      {
        spec: ours(),
        id: 'ours-mcp',
        label: 'this gateway, /mcp progress notifications',
        job: async (contestant, count) => ({
          ...withId(await mcp2025Request(contestant, 'chunks', { count }, { _meta: { progressToken: 'p' } })),
          until: '"result":',
          verify: '"n":(\\d+),"text"',
        }),
      },
      {
        spec: plainLoop,
        job: async (_contestant, count) => ({ ...toolRequest('chunks', { count }), until, verify }),
      },
      {
        spec: betterSse,
        job: async (_contestant, count) => ({
          ...toolRequest('chunks', { count }),
          until: 'event:done',
          verify,
        }),
      },
      {
        spec: sdkV1Stateful,
        label: 'MCP SDK v1, progress notifications',
        count: SLOW_CHUNKS,
        job: async (contestant, count) => ({
          ...withId(await mcp2025Request(contestant, 'chunks', { count }, { _meta: { progressToken: 'p' } })),
          until: '"result":',
          verify: '"n":(\\d+),"text"',
        }),
      },
      {
        spec: fastmcpStateful,
        label: 'fastmcp streamContent',
        count: SLOW_CHUNKS,
        job: async (contestant, count) => ({
          ...withId(await mcp2025Request(contestant, 'chunks', { count })),
          until: '"result":',
          verify: 'n\\\\":(\\d+),',
        }),
      },
    ],
    plan,
  );
}
