/**
 * (w) A stdio MCP server behind a bridge, 50 clients with a session each: echo through it, progress that arrives, and the
 * memory of the bridge with all that it started. Once with a server of SDK v1, as people have them, and once with one that
 * costs next to nothing, so that the bridge is what is measured.
 */
import { mcpProxyOver, oursOver, restBridgeOver, supergatewayOver } from '../harness/bridges.mjs';
import { loadHttp } from '../harness/http-load.mjs';
import { checkOnce, ID_MARK, mcp2025Request, TEXT, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';
import { runLoad } from '../harness/run-load.mjs';

const CLIENTS = 50;
const REPORTS = 20_000;

export const title = `(w) a mounted stdio server, ${CLIENTS} clients, echo and ${REPORTS} reports of progress`;
export const columns = ['perSecond', 'p50Ms', 'cpuUs', 'progressShare', 'sharedOnceMebibytes'];
export const targets = ['sdk', 'lean'].flatMap((server) =>
  ['supergateway', 'mcp-proxy'].map((peer) => ({
    of: `ours-${server}`,
    than: `${peer}-${server}`,
    atLeast: 3,
  })),
);

const restRequest = async () => ({
  path: '/echo',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ text: TEXT }),
  expect: TEXT,
});

/** A request of many clients in turn, each with its session. */
async function ofManyClients(contestant) {
  const requests = [];
  for (let client = 0; client < CLIENTS; client += 1)
    requests.push(await mcp2025Request(contestant, 'echo', { text: TEXT }));
  const sessions = requests.map(({ headers }) => headers['Mcp-Session-Id']);
  return sessions.includes(undefined) ? requests[0] : { ...requests[0], sessions };
}

/** How many of a hundred reports of progress a client gets. */
async function progressShare(contestant) {
  const request = await mcp2025Request(
    contestant,
    'chunks',
    { count: REPORTS },
    { _meta: { progressToken: 'p' } },
  );
  const { reports } = await runLoad('progress-client', {
    url: contestant.url + request.path,
    headers: request.headers,
    body: request.body.replace(ID_MARK, '10000000'),
  });
  return (100 * reports) / REPORTS;
}

export function run(plan) {
  const entry = (server, spec, makeRequest, more = {}) => ({
    spec,
    id: `${more.id ?? spec.id.replace(/-over.*/, '')}-${server}`,
    label: `${more.label ?? spec.label}, ${server === 'sdk' ? 'SDK v1 server' : 'lean server'}`,
    prepare: async (contestant) => {
      const request = await makeRequest(contestant);
      await checkOnce(contestant, request);
      return request;
    },
    measure: async (contestant, request, isWarmUp) => {
      const figures = await loadHttp(contestant, request, {
        connections: CLIENTS,
        seconds: isWarmUp ? plan.warmUpSeconds : plan.seconds,
      });
      const sharedOnceMebibytes = contestant.memoryBytes().sharedOnce / 2 ** 20;
      // The lean server reports no progress.
      const isTold = !isWarmUp && server === 'sdk' && makeRequest === ofManyClients;
      return {
        ...figures,
        sharedOnceMebibytes,
        ...(isTold ? { progressShare: await progressShare(contestant) } : {}),
      };
    },
  });
  const rest = async () => toolRequest('echo', { text: TEXT });
  const over = (server, program) => [
    entry(server, oursOver(program), ofManyClients, { id: 'ours' }),
    entry(server, oursOver(program), rest, { id: 'ours-rest', label: 'this gateway, REST' }),
    entry(server, supergatewayOver(program), ofManyClients),
    entry(server, mcpProxyOver(program), ofManyClients),
    entry(server, restBridgeOver(program), restRequest),
  ];
  return runRounds([...over('sdk', 'stdio-sdk-v1'), ...over('lean', 'stdio-lean')], plan);
}
