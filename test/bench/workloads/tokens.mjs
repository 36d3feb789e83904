/**
 * (n) Token streams: what a gateway before a language model does. Many SSE streams at once, each with a small chunk every
 * 20 ms. The chunks come one by one, so that nothing can be written together: the cost of one is what counts.
 *
 * Up to 1 000 streams this gateway runs with its default options; more, with room for them. A thousand are also sent to one
 * that has had nothing to do for a while, and whose threads but the least number have ended.
 */
import {
  betterSse,
  fastmcpStateful,
  MANY_CALLS,
  nodeHttp,
  ours,
  plainExpress,
  sdkV1Stateful,
} from '../harness/contestants.mjs';
import { curve } from '../harness/curve.mjs';
import { streamsEntry } from '../harness/many-streams.mjs';
import { runRounds } from '../harness/rounds.mjs';

const STREAMS = [250, 1_000, 3_000];
const QUICK_STREAMS = [100, 250];
const BY_DEFAULT = 1_000;
const EVERY_MS = 20;
const CHUNKS = 50;
const WARM_UP_CHUNKS = 20;

export const title = '(n) token streams: SSE streams of 50 chunks, one every 20 ms, by how many';
export const columns = ['chunkCpuUs', 'chunkMainCpuUs', 'wallMs', 'perSecond', 'clientCores'];
export const lessIsBetter = true;
const cost = { field: 'chunkCpuUs', atMost: 1.5 };
export const targets = [
  { of: 'ours-3000', than: 'node-http-3000', ...cost, text: 'CPU a token, 3 000 streams, of bare node:http' },
  { of: 'ours-1000', than: 'node-http-1000', ...cost, text: 'CPU a token, 1 000 streams by default options' },
];
export const plots = [
  {
    name: 'tokens',
    title: 'What a token costs, by how many streams',
    x: { label: 'SSE streams at once, a chunk every 20 ms', log: true },
    y: { column: 'chunkCpuUs', label: "CPU of the server's processes, µs a chunk" },
  },
];

export function run(plan) {
  const args = { count: CHUNKS, everyMs: EVERY_MS };
  const warmUp = { ...args, count: WARM_UP_CHUNKS };
  const slow = [sdkV1Stateful, fastmcpStateful];
  const entries = curve(
    [ours(), nodeHttp, plainExpress, betterSse, ...slow],
    plan.quick ? QUICK_STREAMS : STREAMS,
    (spec, streams) => {
      if (slow.includes(spec) && streams > BY_DEFAULT) return undefined;
      const isLarge = spec.id === 'ours' && streams > BY_DEFAULT;
      return streamsEntry(isLarge ? ours(MANY_CALLS) : spec, streams, 'tokens', args, warmUp);
    },
  );
  const rested = ours({}, 'ours-rested', `this gateway, ${BY_DEFAULT} after a rest`);
  if (!plan.quick) entries.push(streamsEntry(rested, BY_DEFAULT, 'tokens', args, warmUp, true));
  return runRounds(entries, plan);
}
