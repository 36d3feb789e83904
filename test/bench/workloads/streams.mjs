/** (q) Many SSE streams at once, each as fast as it goes, down to one alone, all read by the same client. */
import { betterSse, MANY_CALLS, nodeHttp, ours, plainExpress } from '../harness/contestants.mjs';
import { curve } from '../harness/curve.mjs';
import { streamsEntry } from '../harness/many-streams.mjs';
import { runRounds } from '../harness/rounds.mjs';

/** How many chunks a stream has, by how many streams there are; the others, which are slower, have a part of them. */
const CHUNKS = new Map([
  [1, 1_000_000],
  [100, 20_000],
  [1_000, 5_000],
]);
const OTHERS_PART = 0.2;
const QUICK_PART = 0.1;
/** What compilers need, not the whole. */
const WARM_UP_PART = 0.1;

export const title = '(q) SSE streams of small chunks, as fast as they go, by how many';
export const columns = ['perSecond', 'chunkCpuUs', 'chunkMainCpuUs', 'peakMebibytes', 'clientCores'];
export const targets = [
  { of: 'ours-1000', than: 'ours-1', field: 'perSecond', atLeast: 0.7, text: '1 000 streams, of one stream' },
];
export const plots = [
  {
    name: 'streams',
    title: 'Small chunks a second, by how many streams',
    x: { label: 'SSE streams at once, each as fast as it goes', log: true },
    y: { column: 'perSecond', label: 'chunks a second, all streams together' },
  },
];

export function run(plan) {
  const entries = curve(
    [ours(MANY_CALLS), nodeHttp, plainExpress, betterSse],
    [...CHUNKS.keys()],
    (spec, streams) => {
      const part = (spec.id === 'ours' ? 1 : OTHERS_PART) * (plan.quick ? QUICK_PART : 1);
      const count = CHUNKS.get(streams) * part;
      return streamsEntry(spec, streams, 'chunks', { count }, { count: count * WARM_UP_PART });
    },
  );
  return runRounds(entries, plan);
}
