/** (s) Echo of long arguments: what it costs to carry a body to the tool and its answer back. */
import { expressPiscina, nodeHttp, ours, plainExpress, sdkV1Stateful } from '../harness/contestants.mjs';
import { curve } from '../harness/curve.mjs';
import { httpEntry } from '../harness/http-rounds.mjs';
import { mcp2025Request, toolRequest } from '../harness/requests.mjs';
import { inShortTurns, runRounds } from '../harness/rounds.mjs';

const CONNECTIONS = 32;
const KIBIBYTES = [1, 16, 128];
const LINE = 'A line of a document, with a "quoted" word; it ends here.\n';
/** Express reads no longer bodies unless it is told to, and the SDK's example does not tell it. */
const SDK_KIBIBYTES = 64;

export const title = '(s) echo on 32 connections, by KiB of text there and back';
export const columns = ['perSecond', 'mebibytesPerSecond', 'p99Ms', 'cpuUs', 'mainCpuUs'];
export const targets = [16, 128].map((kibibytes) => ({
  of: `ours-${kibibytes}`,
  than: `express-${kibibytes}`,
  field: 'perSecond',
  atLeast: 0.5,
  text: `echo of ${kibibytes} KiB, of Express in process`,
}));
export const plots = [
  {
    name: 'bodies',
    title: 'Echo on 32 connections, by the length of its text',
    x: { label: 'KiB of text, there and back', log: true },
    y: { column: 'perSecond', label: 'calls a second', log: true },
  },
];

export function run(given) {
  const plan = inShortTurns(given);
  const specs = [ours(), nodeHttp, plainExpress, expressPiscina(), sdkV1Stateful];
  const entries = curve(specs, KIBIBYTES, (spec, kibibytes) => {
    if (spec === sdkV1Stateful && kibibytes > SDK_KIBIBYTES) return undefined;
    const length = kibibytes * 1024;
    const text = LINE.repeat(Math.ceil(length / LINE.length)).slice(0, length);
    const expect = JSON.stringify({ text }).slice(1, -1);
    const request = { ...toolRequest('echo', { text }), expect };
    const mcp = async (contestant) => ({ ...(await mcp2025Request(contestant, 'echo', { text })), expect });
    return httpEntry(spec, spec === sdkV1Stateful ? mcp : request, plan, {
      connections: CONNECTIONS,
      after: (_contestant, { perSecond }) => ({ mebibytesPerSecond: (perSecond * kibibytes) / 1024 }),
    });
  });
  return runRounds(entries, plan);
}
