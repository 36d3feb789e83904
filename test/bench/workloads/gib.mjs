/** (e) 1 GiB in chunks of 1 MiB to one client; how much the memory grows above idle meanwhile. */
import { nodeHttp, ours } from '../harness/contestants.mjs';
import { streamRequest, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';
import { runLoad } from '../harness/run-load.mjs';

const MEBIBYTES = 1024;
const QUICK_MEBIBYTES = 256;

export const title = '(e) 1 GiB in chunks of 1 MiB to one client';
export const columns = ['mebibytesPerSecond', 'grownMebibytes'];
export const targets = [
  { than: 'node-http', atLeast: 0.5 },
  { field: 'grownMebibytes', atMost: 64, text: 'MiB above idle' },
];

export function run(plan) {
  const count = plan.quick ? QUICK_MEBIBYTES : MEBIBYTES;
  const entry = (spec, request, label) => ({
    spec,
    label,
    measure: async (contestant) => {
      const { answer, beforeBytes, peakBytes } = await contestant.watchMemory(() =>
        runLoad('stream-client', { ...request, port: contestant.port, until: 'event: done' }),
      );
      if (answer.bytes < count * 2 ** 20) throw new Error(`only ${answer.bytes} bytes arrived`);
      return {
        mebibytesPerSecond: count / (answer.ms / 1000),
        grownMebibytes: (peakBytes - beforeBytes) / 2 ** 20,
      };
    },
  });
  return runRounds(
    [
      entry(ours(), streamRequest('big', { count })),
      entry(nodeHttp, toolRequest('big', { count }), 'in-process stream on node:http'),
    ],
    plan,
  );
}
