/**
 * The requests of the workloads, as {path, headers, body, expect}. Load programs replace `#` × 8 in a body by a number
 * of eight digits, so that concurrent JSON-RPC requests in one session have ids of their own.
 */
import { KEY } from './contestants.mjs';

export const TEXT = 'hello, bench';
export const ID_MARK = '########';
const json = { 'Content-Type': 'application/json' };
const mcp = { ...json, Accept: 'application/json, text/event-stream', 'X-API-Key': KEY };
const ERA_2025 = '2025-11-25';
const ERA_2026 = '2026-07-28';

export const toolRequest = (tool, args, suffix = '') => ({
  path: `/tools/${tool}${suffix}`,
  headers: { ...json, 'X-API-Key': KEY },
  body: JSON.stringify({ arguments: args }),
  expect: '"status":"success"',
});

/** A streaming request of ours; `type` chooses SSE or NDJSON. */
export const streamRequest = (tool, args, type = 'text/event-stream') => {
  const request = toolRequest(tool, args, '/stream');
  return { ...request, headers: { ...request.headers, Accept: type } };
};

/** An operation of GraphQL with variables. */
export const graphqlRequest = (query, variables, accept, expect) => ({
  path: '/graphql',
  headers: { ...json, Accept: accept, 'X-API-Key': KEY },
  body: JSON.stringify({ query, variables }),
  expect,
});

async function post(url, headers, message) {
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(message) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${message.method} answered ${response.status}: ${text.slice(0, 200)}`);
  return response.headers;
}

const callBody = (tool, args, meta) =>
  `{"jsonrpc":"2.0","id":${ID_MARK},"method":"tools/call","params":${JSON.stringify({ name: tool, arguments: args, ...meta })}}`;

/** A tools/call of the initialize era; opens the session where the server has one. */
export async function mcp2025Request(contestant, tool, args, meta = {}) {
  const url = `${contestant.url}/mcp`;
  const answered = await post(url, mcp, {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: ERA_2025, capabilities: {}, clientInfo: { name: 'bench', version: '1.0.0' } },
  });
  const headers = { ...mcp, 'MCP-Protocol-Version': ERA_2025 };
  const session = answered.get('mcp-session-id');
  if (session !== null) headers['Mcp-Session-Id'] = session;
  await post(url, headers, { jsonrpc: '2.0', method: 'notifications/initialized' });
  return { path: '/mcp', headers, body: callBody(tool, args, meta), expect: TEXT };
}

/** A tools/call of the stateless era. */
export const mcp2026Request = async (_contestant, tool, args) => ({
  path: '/mcp',
  headers: { ...mcp, 'MCP-Protocol-Version': ERA_2026, 'Mcp-Method': 'tools/call', 'Mcp-Name': tool },
  body: callBody(tool, args, {
    _meta: {
      'io.modelcontextprotocol/protocolVersion': ERA_2026,
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
    },
  }),
  expect: TEXT,
});

/** Sends the request once and checks the answer, so that no contestant is fast at answering errors. */
export async function checkOnce(contestant, request) {
  const response = await fetch(contestant.url + request.path, {
    method: 'POST',
    headers: request.headers,
    body: request.body.replace(ID_MARK, '10000000'),
  });
  const text = await response.text();
  if (!response.ok || !text.includes(request.expect) || text.includes('"isError":true'))
    throw new Error(`answered ${response.status}: ${text.slice(0, 300)}`);
}
