/**
 * (t) Tools on threads beside tools in child processes: echo on 32 connections, of a shared and of an exclusive tool, and
 * small chunks to one SSE client. What isolation costs.
 */

import { CHUNKS, QUICK_CHUNKS, runChunkRounds } from '../harness/chunk-rounds.mjs';
import { delay } from '../harness/contestant.mjs';
import { ours } from '../harness/contestants.mjs';
import { httpEntry } from '../harness/http-rounds.mjs';
import { streamRequest, TEXT, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const CONNECTIONS = 32;
const SETTLE_MS = 1000;

export const title = '(t) threads beside child processes: echo on 32 connections, small chunks over SSE';
export const columns = ['perSecond', 'p99Ms', 'cpuUs', 'chunkCpuUs', 'mebibytes'];
export const targets = [
  { of: 'process', than: 'ours', atLeast: 0.6 },
  { of: 'process-chunks', than: 'ours-chunks', atLeast: 0.5 },
];

const threads = (id, label) => ours({}, id, label);
const processes = (id, label) => ours({ ISOLATION: 'process' }, id, label);

export async function run(plan) {
  const memory = (contestant) => ({ mebibytes: contestant.memoryBytes().resident / 2 ** 20 });
  const echo = (spec, tool) =>
    httpEntry(spec, toolRequest(tool, { text: TEXT }), plan, {
      connections: CONNECTIONS,
      // The minimum starts beside the first.
      before: () => delay(SETTLE_MS),
      after: memory,
    });
  const chunks = (spec) => ({
    spec,
    job: async (_contestant, count) => ({
      ...streamRequest('chunks', { count }),
      until: 'event: done',
      verify: '"index":(\\d+),',
    }),
  });
  const calls = await runRounds(
    [
      echo(threads('ours', 'threads, shared tool'), 'echo'),
      echo(processes('process', 'processes, shared tool'), 'echo'),
      echo(threads('ours-exclusive', 'threads, exclusive tool'), 'echo_exclusive'),
      echo(processes('process-exclusive', 'processes, exclusive tool'), 'echo_exclusive'),
    ],
    plan,
  );
  const count = plan.quick ? QUICK_CHUNKS : CHUNKS;
  const streams = await runChunkRounds(
    [
      chunks(threads('ours-chunks', `threads, ${count} chunks`)),
      chunks(processes('process-chunks', `processes, ${count} chunks`)),
    ],
    plan,
  );
  return [...calls, ...streams];
}
