/** (b) Echo over /mcp tools/call, both protocol eras, 32 connections; our own REST echo in the same rounds. */
import {
  fastmcpStateful,
  fastmcpStateless,
  mcpProxy,
  ours,
  sdkV1Stateful,
  sdkV1Stateless,
  sdkV2,
  supergateway,
  tmcp,
} from '../harness/contestants.mjs';
import { loadHttp } from '../harness/http-load.mjs';
import { checkOnce, mcp2025Request, mcp2026Request, TEXT, toolRequest } from '../harness/requests.mjs';
import { inShortTurns, runRounds } from '../harness/rounds.mjs';

const CONNECTIONS = 32;

export const title = '(b) echo, POST /mcp tools/call, 32 connections';
export const columns = ['perSecond', 'p50Ms', 'p99Ms', 'cpuUs'];
const perEra = (era, others) => others.map(([than, atLeast]) => ({ of: `ours-${era}`, than, atLeast }));
export const targets = [
  ...perEra('2025', [
    ['sdk-v1-stateful', 3],
    ['tmcp-2025', 3],
    ['sdk-v2-2025', 5],
    ['fastmcp-stateful', 6],
    ['ours', 0.7],
  ]),
  ...perEra('2026', [
    ['sdk-v1-stateful', 3],
    ['tmcp-2026', 3],
    ['sdk-v2-2026', 5],
    ['fastmcp-stateful', 6],
    ['ours', 0.7],
  ]),
];

const rest = async () => toolRequest('echo', { text: TEXT });

export function run(given) {
  const plan = inShortTurns(given);
  const entry = (spec, makeRequest, more = {}) => ({
    spec,
    ...more,
    prepare: async (contestant) => {
      const request = await makeRequest(contestant, 'echo', { text: TEXT });
      await checkOnce(contestant, request);
      return request;
    },
    measure: (contestant, request, warmUp) =>
      loadHttp(contestant, request, {
        connections: CONNECTIONS,
        seconds: warmUp ? plan.warmUpSeconds : plan.seconds,
      }),
  });
  const both = (spec, id, label) => [
    entry(spec, mcp2025Request, { id: `${id}-2025`, label: `${label}, 2025-11-25` }),
    entry(spec, mcp2026Request, { id: `${id}-2026`, label: `${label}, 2026-07-28` }),
  ];
  const gateway = ours();
  return runRounds(
    [
      entry(gateway, rest, { label: 'this gateway, REST' }),
      ...both(gateway, 'ours', 'this gateway'),
      entry(sdkV1Stateful, mcp2025Request),
      entry(sdkV1Stateless, mcp2025Request),
      ...both(sdkV2, 'sdk-v2', 'MCP SDK v2'),
      ...both(tmcp, 'tmcp', 'tmcp'),
      entry(fastmcpStateful, mcp2025Request),
      entry(fastmcpStateless, mcp2025Request),
      entry(mcpProxy, mcp2025Request),
      entry(supergateway, mcp2025Request),
    ],
    plan,
  );
}
