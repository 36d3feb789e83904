/** (d) 200 000 small chunks as NDJSON. */
import { runChunkRounds } from '../harness/chunk-rounds.mjs';
import { ours, plainLoop } from '../harness/contestants.mjs';
import { streamRequest, toolRequest } from '../harness/requests.mjs';

export const title = '(d) small chunks as NDJSON';
export const columns = ['perSecond', 'mebibytesPerSecond', 'chunkCpuUs'];

const ends = { until: '"event":"complete"', verify: '"index":(\\d+),' };

export const run = (plan) =>
  runChunkRounds(
    [
      {
        spec: ours(),
        job: async (_contestant, count) => ({
          ...streamRequest('chunks', { count }, 'application/x-ndjson'),
          ...ends,
        }),
      },
      {
        spec: plainLoop,
        job: async (_contestant, count) => ({ ...toolRequest('lines', { count }), ...ends }),
      },
    ],
    plan,
  );
