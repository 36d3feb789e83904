/** (d) 200 000 small chunks to one WebSocket client. */
import { runChunkRounds } from '../harness/chunk-rounds.mjs';
import { KEY, ours, plainWs } from '../harness/contestants.mjs';

export const title = '(d) small chunks to one WebSocket client';
export const columns = ['perSecond', 'mebibytesPerSecond', 'chunkCpuUs'];

const job = async (_contestant, count) => ({
  websocket: true,
  path: '/ws/tools/chunks',
  headers: { 'X-API-Key': KEY },
  body: JSON.stringify({ id: 1, arguments: { count }, result: 'none' }),
  until: '"event":"complete"',
  verify: '"index":(\\d+),',
});

export const run = (plan) =>
  runChunkRounds(
    [
      { spec: ours(), job },
      { spec: plainWs, job },
    ],
    plan,
  );
