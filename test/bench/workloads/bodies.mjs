/** (s) Echo of long arguments: what it costs to carry a body to the tool and its answer back. */
import { nodeHttp, ours, plainExpress } from '../harness/contestants.mjs';
import { httpEntry } from '../harness/http-rounds.mjs';
import { toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const CONNECTIONS = 32;
const KIBIBYTES = [16, 128];
const LINE = 'A line of a document, with a "quoted" word; it ends here.\n';

export const title = '(s) echo of 16 KiB and of 128 KiB, 32 connections';
export const columns = ['perSecond', 'mebibytesPerSecond', 'p99Ms', 'cpuUs'];
export const targets = [
  { than: 'express', atLeast: 0.5 },
  { of: 'ours-128', than: 'express-128', atLeast: 0.5 },
];

export function run(plan) {
  const entries = KIBIBYTES.flatMap((kibibytes, at) => {
    const length = kibibytes * 1024;
    const text = LINE.repeat(Math.ceil(length / LINE.length)).slice(0, length);
    const request = { ...toolRequest('echo', { text }), expect: JSON.stringify({ text }).slice(1, -1) };
    const suffix = at === 0 ? '' : `-${kibibytes}`;
    return [ours(), nodeHttp, plainExpress].map((spec) =>
      httpEntry(spec, request, plan, {
        id: spec.id + suffix,
        beside: `ours${suffix}`,
        label: `${spec.label}, ${kibibytes} KiB`,
        connections: CONNECTIONS,
        after: (_contestant, { perSecond }) => ({ mebibytesPerSecond: (perSecond * kibibytes) / 1024 }),
      }),
    );
  });
  return runRounds(entries, plan);
}
