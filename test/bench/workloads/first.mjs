/** (f) Time to the first chunk of a stream, one request after the other on a warm connection. */
import { nodeHttp, ours } from '../harness/contestants.mjs';
import { median } from '../harness/medians.mjs';
import { streamRequest, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';
import { runLoad } from '../harness/run-load.mjs';

const REQUESTS = 200;

export const title = '(f) time to first chunk, ms, 200 requests one after the other';
export const columns = ['firstMs', 'p99Ms'];
export const lessIsBetter = true;
export const targets = [{ of: 'difference', field: 'firstMs', atMost: 2, text: 'ms later than in process' }];

export async function run(plan) {
  const entry = (spec, request, label) => ({
    spec,
    label,
    measure: async (contestant) => {
      const { firstMs } = await runLoad('stream-client', {
        ...request,
        port: contestant.port,
        until: 'event: done',
        firstMark: 'event: chunk',
        repeat: REQUESTS,
      });
      const sorted = firstMs.toSorted((a, b) => a - b);
      return { firstMs: median(sorted), p99Ms: sorted[Math.floor(sorted.length * 0.99)] };
    },
  });
  const rows = await runRounds(
    [
      entry(ours(), streamRequest('chunks', { count: 1 })),
      entry(nodeHttp, toolRequest('chunks', { count: 1 }), 'in process on node:http'),
    ],
    plan,
  );
  const [own, plain] = rows;
  if (own.medians && plain?.medians)
    rows.push({
      id: 'difference',
      label: 'difference',
      medians: {
        firstMs: own.medians.firstMs - plain.medians.firstMs,
        p99Ms: own.medians.p99Ms - plain.medians.p99Ms,
      },
      rounds: [],
    });
  return rows;
}
