/** Requests that are wrong before any tool is reached, over REST, SSE, NDJSON and MCP's HTTP. */
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { shown } from '../clients/call-log.ts';
import { ACCEPTS, pathOf } from '../clients/http-calls.ts';
import { MCP_HEADERS, modernHeaders, sessionHeaders } from '../clients/mcp-http-calls.ts';
import { callParams } from '../clients/mcp-reader.ts';
import { HOST } from '../clients/transport.ts';
import { HTTP, type Kind, MCP_HTTP, type Scene } from './kind.ts';

interface WireRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** @returns null when the connection ended without an answer. */
function send(
  port: number,
  { method = 'POST', path = '/', headers = {}, body }: WireRequest,
): Promise<Answer | null> {
  return new Promise((resolve) => {
    const outgoing = request({ host: HOST, port, method, path, agent: false, headers });
    let answer: IncomingMessage | undefined;
    outgoing.on('error', () => {
      if (!answer) resolve(null);
    });
    outgoing.on('response', (response) => {
      answer = response;
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('error', () => {});
      const { 'content-type': type = '' } = response.headers;
      response.on('close', () => resolve({ status: response.statusCode ?? 0, type, text }));
    });
    outgoing.end(body);
  });
}

/** What no answer may show: stacks, and where this code lives. */
const LEAKS = /\n\s+at |\.js:\d+|node_modules|\/dist\//;

function judge({ verdict }: Scene, answer: Answer | null, codes: readonly (string | number)[]): void {
  if (!answer) {
    verdict.ended('cut');
    return verdict.find('contract', 'no answer to a bad request');
  }
  const said = codeOf(answer.text);
  verdict.ended(String(said ?? answer.status));
  if (LEAKS.test(answer.text))
    verdict.find('wrong value', `the answer shows its insides: ${shown(answer.text)}`);
  // A call that waited for its thread before it was refused has the head of its stream out already.
  const isLate = (code: string | number) => answer.status === 200 && answer.text.includes(`"code":"${code}"`);
  const known = codes.some((code) => code === said || code === answer.status || isLate(code));
  if (!known)
    verdict.find(
      'wrong value',
      `answered ${answer.status} ${shown(answer.text)}; expected ${codes.join(' or ')}`,
    );
}

/** The code of a problem document, or of a JSON-RPC error. */
function codeOf(text: string): string | number | undefined {
  try {
    const body = JSON.parse(text) as { code?: string; error?: { code?: number } };
    return body.code ?? body.error?.code;
  } catch {
    return undefined;
  }
}

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const args = (inner: string): string => `{"arguments":${inner}}`;
const OVERSIZED = args(`{"how":"listen","nonce":"${'x'.repeat(1_200_000)}"}`);

interface Wrong extends WireRequest {
  readonly tool?: string;
  readonly codes: readonly (string | number)[];
}

const WRONG: Readonly<Record<string, Wrong>> = {
  'malformed-body': { body: '{"arguments":', codes: ['parse_error'] },
  'empty-body': { body: '', codes: ['parse_error'] },
  'invalid-utf8': { body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), codes: ['parse_error'] },
  'body-that-is-a-list': { body: '[1]', codes: ['invalid_request'] },
  'body-that-is-null': { body: 'null', codes: ['invalid_request'] },
  'null-arguments': { body: args('null'), codes: ['invalid_request'] },
  'list-of-arguments': { body: args('[]'), codes: ['invalid_request'] },
  'proto-key': { body: args('{"__proto__":{"polluted":true}}'), codes: ['too_complex'] },
  'deep-body': { body: args(`{"a":${nested(200)}}`), codes: ['too_complex'] },
  'very-deep-body': { body: args(`{"a":${nested(40_000)}}`), codes: ['too_complex'] },
  'wide-body': { body: args(`{"a":[${'0,'.repeat(20_000)}0]}`), codes: ['too_complex'] },
  'wrong-arguments': { body: args('{"how":5}'), codes: ['invalid_arguments'] },
  'oversized-body': { body: OVERSIZED, codes: ['payload_too_large'] },
  'wrong-content-type': {
    headers: { 'content-type': 'text/plain' },
    body: args('{}'),
    codes: ['unsupported_media_type'],
  },
  'json-patch-type': {
    headers: { 'content-type': 'application/json-patch+json' },
    body: args('{}'),
    codes: ['unsupported_media_type'],
  },
  'unknown-tool': { tool: 'no_such_tool', body: args('{}'), codes: ['tool_not_found'] },
  'tool-named-proto': { tool: '__proto__', body: args('{}'), codes: ['tool_not_found'] },
  'tool-named-constructor': { tool: 'constructor', body: args('{}'), codes: ['tool_not_found'] },
  'wrong-key': {
    headers: { 'x-api-key': 'wrong' },
    body: args('{}'),
    codes: ['unauthenticated', 'rate_limited'],
  },
  'foreign-origin': {
    headers: { origin: 'https://evil.example' },
    body: args('{}'),
    codes: ['permission_denied'],
  },
  'foreign-host': { headers: { host: 'evil.example' }, body: args('{}'), codes: ['permission_denied'] },
  'wrong-method': { method: 'PUT', body: args('{}'), codes: ['method_not_allowed'] },
  'wrong-accept': { headers: { accept: 'image/png' }, body: args('{}'), codes: ['not_acceptable'] },
  'unreasonable-timeout': { body: '{"arguments":{},"timeoutMs":-1}', codes: ['invalid_request'] },
};

const wrongRequests: Kind[] = Object.entries(WRONG).map(([name, wrong]) => ({
  name,
  group: 'wire',
  transports: HTTP,
  perRound: 2,
  async play(scene) {
    const transport = scene.transport as 'rest' | 'sse' | 'ndjson';
    const { tool = 'chaos', headers, codes, ...rest } = wrong;
    const usual = { 'x-api-key': scene.key, 'content-type': 'application/json', accept: ACCEPTS[transport] };
    const all = { ...usual, ...headers };
    judge(scene, await send(scene.port, { path: pathOf(transport, tool), ...rest, headers: all }), codes);
  },
}));

const request21 = (method: string, params: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });

const WRONG_MCP: Readonly<Record<string, Wrong>> = {
  'mcp-malformed-body': { body: '{"jsonrpc":', codes: [-32700] },
  'mcp-empty-body': { body: '', codes: [-32700] },
  'mcp-body-that-is-a-number': { body: '5', codes: [-32600] },
  'mcp-empty-batch': { body: '[]', codes: [-32600] },
  'mcp-fractional-id': { body: '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', codes: [-32600] },
  'mcp-deep-body': {
    body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"chaos","arguments":{"a":${nested(200)}}}}`,
    codes: [-32600],
  },
  'mcp-unknown-method': { body: request21('tools/launch'), codes: [-32601, -32602] },
  'mcp-oversized-body': { body: OVERSIZED, codes: [413, 1413] },
  'mcp-wrong-content-type': {
    headers: { 'content-type': 'text/plain' },
    body: request21('ping'),
    codes: [415, 1415],
  },
  'mcp-wrong-key': { headers: { 'x-api-key': 'wrong' }, body: request21('ping'), codes: [401, 429] },
  'mcp-foreign-origin': {
    headers: { origin: 'https://evil.example' },
    body: request21('ping'),
    codes: [403],
  },
  'mcp-foreign-session': {
    headers: { 'mcp-session-id': 'nobody' },
    body: request21('ping'),
    codes: [404, -32601, -32600, 400],
  },
  'mcp-unknown-version': {
    headers: { 'mcp-protocol-version': '1999-01-01' },
    body: request21('tools/list'),
    codes: [-32022, -32020, 400],
  },
  'mcp-unknown-tool': {
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: callParams('no_such_tool', {}, 'token', true),
    }),
    tool: 'no_such_tool',
    codes: [-32602],
  },
  'mcp-headers-of-another-tool': {
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: callParams('control_echo', {}, 'token', true),
    }),
    tool: 'chaos',
    codes: [-32020],
  },
};

/** Of these, the era of the headers decides what is wrong first. */
const STATELESS_ONLY = ['mcp-headers-of-another-tool', 'mcp-unknown-tool'];

const wrongMcpRequests: Kind[] = Object.entries(WRONG_MCP).map(([name, wrong]) => ({
  name,
  group: 'wire',
  transports: STATELESS_ONLY.includes(name) ? ['mcp-stateless'] : MCP_HTTP,
  perRound: 2,
  async play(scene) {
    const { tool = 'chaos', headers, codes, ...rest } = wrong;
    const era =
      scene.transport === 'mcp-stateless'
        ? modernHeaders(tool)
        : sessionHeaders(await scene.mcpSessions.session(scene.key));
    const all = { ...MCP_HEADERS, 'x-api-key': scene.key, ...era, ...headers };
    judge(scene, await send(scene.port, { path: '/mcp', ...rest, headers: all }), codes);
  },
}));

/** Bytes that are no request, or half of one, and then nothing more. */
const RAW: Readonly<Record<string, { readonly text: string; readonly status: number | null }>> = {
  'raw-garbage': { text: 'GARBAGE\r\n\r\n', status: 400 },
  'raw-two-lengths': {
    text: 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    status: 400,
  },
  'raw-length-and-chunked': {
    text: 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    status: 400,
  },
  'raw-header-too-long': {
    text: `GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(70_000)}\r\n\r\n`,
    status: 431,
  },
  'raw-half-a-body': {
    text: 'POST /tools/chaos HTTP/1.1\r\nHost: localhost\r\nX-API-Key: $KEY\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"argum',
    status: null,
  },
  'raw-half-a-header': { text: 'POST /tools/chaos HTTP/1.1\r\nHost: loc', status: null },
  'raw-nothing': { text: '', status: null },
};

const rawRequests: Kind[] = Object.entries(RAW).map(([name, { text, status }]) => ({
  name,
  group: 'wire',
  transports: ['rest'],
  async play(scene) {
    const socket = connect(scene.port, HOST);
    let told = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      told += part;
    });
    socket.on('error', () => {});
    socket.write(text.replace('$KEY', scene.key));
    const closed = new Promise((resolve) => socket.on('close', resolve));
    const giveUp = setTimeout(() => socket.destroy(), status === null ? scene.random.int(0, 300) : 30_000);
    await closed;
    clearTimeout(giveUp);
    const answers = told.match(/^HTTP\/1\.1 (\d+)/gm) ?? [];
    scene.verdict.ended(answers[0]?.slice(9) ?? 'left');
    if (status !== null && (answers.length !== 1 || !told.startsWith(`HTTP/1.1 ${status}`)))
      scene.verdict.find('contract', `answered ${shown(told)}; expected ${status} once`);
  },
}));

export const HTTP_WIRE_KINDS: readonly Kind[] = [...wrongRequests, ...wrongMcpRequests, ...rawRequests];
