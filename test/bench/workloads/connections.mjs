/** (o) Echo by the number of connections, each with one call in flight. */
import {
  expressPiscina,
  MANY_CALLS,
  nodeHttp,
  ours,
  plainExpress,
  sdkV1Stateful,
  tmcp,
} from '../harness/contestants.mjs';
import { curve } from '../harness/curve.mjs';
import { httpEntry } from '../harness/http-rounds.mjs';
import { mcp2025Request, TEXT, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const CONNECTIONS = [32, 500, 2_000];

export const title = '(o) echo by connections, POST /tools/echo; the MCP servers by /mcp';
export const columns = ['perSecond', 'p50Ms', 'p99Ms', 'cpuUs', 'mainCpuUs'];
export const targets = [
  {
    of: 'ours-2000',
    than: 'ours-32',
    field: 'perSecond',
    atLeast: 0.8,
    text: 'echo, 2 000 connections, of 32',
  },
  {
    of: 'ours-2000',
    than: 'node-http-2000',
    field: 'p99Ms',
    atMost: 3,
    text: 'p99 on 2 000 connections, of bare node:http',
  },
];
const x = { label: 'connections, each with one call in flight', log: true };
export const plots = [
  {
    name: 'connections',
    title: 'Echo by connections',
    x,
    y: { column: 'perSecond', label: 'calls a second' },
  },
  {
    name: 'connections-p99',
    title: 'The slowest hundredth, by connections',
    x,
    y: { column: 'p99Ms', label: 'p99, ms', log: true },
  },
  {
    name: 'connections-cpu',
    title: 'What a call costs, by connections',
    x,
    y: { column: 'cpuUs', label: "CPU of the server's processes, µs a call" },
  },
];

export function run(plan) {
  const rest = toolRequest('echo', { text: TEXT });
  const mcp = (contestant) => mcp2025Request(contestant, 'echo', { text: TEXT });
  const overMcp = [sdkV1Stateful, tmcp];
  const entries = curve(
    [ours(MANY_CALLS), nodeHttp, plainExpress, expressPiscina(), ...overMcp],
    CONNECTIONS,
    (spec, connections) => httpEntry(spec, overMcp.includes(spec) ? mcp : rest, plan, { connections }),
  );
  return runRounds(entries, plan);
}
