/** `/graphql` of a whole gateway: its two protocols by the letter, and what clients must not get away with. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, fetchExchange, gql } from '@urql/core';
import { expect } from 'chai';
import { auditServer } from 'graphql-http';
import { createClient as createSseClient } from 'graphql-sse';
import { WebSocket } from 'ws';
import { eventually } from '../../support/eventually.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { fixture } from '../../support/start-pool.ts';
import { JSON_POST, KEY } from '../start-transports.ts';
import { SocketWithKey } from './graphql-clients.ts';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly data?: Record<string, never> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
}

const LIBRARY = new URL('../../../lib/index.js', import.meta.url).href;
const WAIT = 'subscription { call(tool: "wait", arguments: {ms: 60000}) { __typename } }';
const SECOND = { 'X-API-Key': 'second' };

describe('GraphQL', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startGateway({
      minWorkers: 1,
      maxWorkers: 2,
      graphql: true,
      apiKeys: ['super-secret', 'second'],
    });
  });
  after(() => gateway.close());

  const address = () => `${gateway.url}/graphql`;
  const send = async (init: RequestInit, path = ''): Promise<Answer> => {
    const answer = await fetch(address() + path, init);
    const body = (await answer.json()) as object;
    return { status: answer.status, headers: answer.headers, ...body };
  };
  const ask = (query: string, headers: object = {}, more: object = {}): Promise<Answer> =>
    send({
      ...JSON_POST,
      headers: { ...JSON_POST.headers, ...headers },
      body: JSON.stringify({ query, ...more }),
    });
  const codeOf = ({ errors }: Answer): unknown => errors?.[0]?.extensions['code'];
  const inFlight = async (): Promise<number> => {
    const stats = (await (await fetch(`${gateway.url}/stats`, { headers: KEY })).json()) as {
      workers: { callsInFlight: number }[];
    };
    return stats.workers.reduce((sum, { callsInFlight }) => sum + callsInFlight, 0);
  };
  const untilRunning = (n: number) =>
    eventually(async () => (await inFlight()) === n, { what: `${n} calls on threads` });

  it('passes all audits of graphql-http', async () => {
    const fetchFn = (url: string, init: RequestInit = {}) =>
      fetch(url, { ...init, headers: { ...init.headers, ...KEY } });
    const results = await auditServer({ url: address(), fetchFn });
    expect(results.length).to.be.above(50);
    const failed = results.filter(({ status }) => status !== 'ok');
    for (const result of results) if (result.status !== 'ok') await result.response.body?.cancel();
    expect(failed.map(({ name }) => name)).to.deep.equal([]);
  });

  it('runs tools by the field for any and by their own, and tells what they failed with', async () => {
    const generic = await ask(
      'mutation { call(tool: "sum", arguments: {n: 3}) { callId data chunks meta } }',
    );
    const { call } = generic.data as unknown as { call: Record<string, unknown> };
    expect(call).to.deep.include({ data: { total: 6 }, chunks: 3, callId: generic.headers.get('x-call-id') });
    const typed = await ask('mutation { tools { journeysTool(action: STATS) } }');
    expect(typed.data).to.have.nested.property('tools.journeysTool.total', 0);
    const failed = await ask('mutation { call(tool: "echo", arguments: {text: 7}) { data } }');
    expect([failed.status, failed.data, codeOf(failed)]).to.deep.equal([
      200,
      { call: null },
      'invalid_arguments',
    ]);
    expect(failed.errors?.[0]?.extensions).to.have.nested.property('details.issues[0].path', 'text');
    const late = await ask('mutation { tools(timeoutMs: 30) { wait(ms: 60000) } }');
    expect(codeOf(late)).to.equal('deadline_exceeded');
    expect(codeOf(await ask('mutation { call(tool: "none") { data } }'))).to.equal('tool_not_found');
    expect(codeOf(await ask('mutation { call(tool: "echo", timeoutMs: 0) { data } }'))).to.equal(
      'invalid_request',
    );
  });

  it('takes no batch, no call by GET, no key of idempotency, and no other type of body', async () => {
    const batch = await send({ ...JSON_POST, body: '[{"query":"{ tools { name } }"}]' });
    expect([batch.status, codeOf(batch)]).to.deep.equal([400, 'invalid_request']);
    for (const query of ['mutation { call(tool: "echo") { data } }', WAIT]) {
      const answer = await send({ headers: KEY }, `?query=${encodeURIComponent(query)}`);
      expect([answer.status, codeOf(answer)]).to.deep.equal([405, 'method_not_allowed']);
    }
    const replayed = await ask('mutation { call(tool: "echo") { data } }', { 'Idempotency-Key': 'a' });
    expect([replayed.status, codeOf(replayed)]).to.deep.equal([400, 'invalid_request']);
    const form = await send({
      method: 'POST',
      headers: { ...KEY, 'Content-Type': 'text/plain' },
      body: '{}',
    });
    expect([form.status, codeOf(form)]).to.deep.equal([415, 'unsupported_media_type']);
    const json = await ask(WAIT, { Accept: 'application/json' });
    expect([json.status, codeOf(json)]).to.deep.equal([406, 'not_acceptable']);
    const patch = await send({ method: 'PATCH', headers: KEY });
    expect([patch.status, patch.headers.get('allow')]).to.deep.equal([405, 'GET, HEAD, POST, PUT, DELETE']);
  });

  it('refuses by problem documents what every transport refuses so: key, Origin, size', async () => {
    const body = JSON.stringify({ query: '{ __schema { queryType { name } } }' });
    const refused = async (headers: Record<string, string>, text = body) => {
      const answer = await fetch(address(), { ...JSON_POST, headers, body: text });
      const { code } = (await answer.json()) as { code: string };
      return [answer.status, code, answer.headers.get('content-type')?.split(';')[0]];
    };
    const json = { 'Content-Type': 'application/json' };
    const problem = 'application/problem+json';
    expect(await refused(json)).to.deep.equal([401, 'unauthenticated', problem]);
    const foreign = { ...JSON_POST.headers, Origin: 'http://evil.example' };
    expect(await refused(foreign)).to.deep.equal([403, 'permission_denied', problem]);
    const large = JSON.stringify({ query: `{ tools { name } } # ${'x'.repeat(1024 * 1024)}` });
    expect(await refused(JSON_POST.headers, large)).to.deep.equal([413, 'payload_too_large', problem]);
  });

  it('ends the tool of a mutation whose client leaves', async () => {
    const leaving = new AbortController();
    const body = JSON.stringify({
      query: 'mutation { call(tool: "wait", arguments: {ms: 60000}) { data } }',
    });
    const left = fetch(address(), { ...JSON_POST, body, signal: leaving.signal }).catch(({ name }) => name);
    await untilRunning(1);
    leaving.abort();
    expect(await left).to.equal('AbortError');
    await untilRunning(0);
  });

  it('serves urql', async () => {
    const client = new Client({
      url: address(),
      preferGetMethod: false,
      exchanges: [fetchExchange],
      fetchOptions: { headers: KEY },
    });
    const listed = await client.query(gql`{ tool(name: "echo") { field } }`, {}).toPromise();
    expect(listed.data).to.have.nested.property('tool.field', 'echo');
    const echo = gql`mutation ($text: String!) { tools { echo(text: $text) } }`;
    expect((await client.mutation(echo, { text: 'hi' }).toPromise()).data).to.have.deep.nested.property(
      'tools.echo',
      {
        text: 'hi',
      },
    );
    const { error } = await client.mutation(gql`mutation { call(tool: "none") { data } }`, {}).toPromise();
    expect(error?.graphQLErrors[0]?.extensions).to.include({ code: 'tool_not_found', status: 404 });
  });

  describe('over one reserved stream', () => {
    const reserve = async () => (await fetch(address(), { method: 'PUT', headers: KEY })).text();
    const withToken = (token: string, headers: object = KEY) => ({
      ...headers,
      'X-GraphQL-Event-Stream-Token': token,
    });
    const post = (token: string, id: unknown, query = WAIT) =>
      fetch(address(), {
        method: 'POST',
        headers: { ...withToken(token), 'Content-Type': 'application/json' },
        body: JSON.stringify({ query, extensions: { operationId: id } }),
      });
    const open = (token: string, headers: object = KEY, signal?: AbortSignal) =>
      fetch(address(), {
        headers: { ...withToken(token, headers), Accept: 'text/event-stream' },
        ...(signal && { signal }),
      });

    it('serves graphql-sse: several operations at once, of which one is ended', async () => {
      const client = createSseClient({
        url: address(),
        headers: { ...KEY }, // the client writes into them
        singleConnection: true,
        retryAttempts: 0,
      });
      const told: unknown[] = [];
      const ended = new Promise<void>((resolve, reject) => {
        const query =
          'subscription { call(tool: "count", arguments: {n: 5}) { ... on CallSucceeded { chunks } } }';
        client.subscribe(
          { query },
          { next: (result) => told.push(result), error: reject, complete: resolve },
        );
      });
      const stop = client.subscribe({ query: WAIT }, { next() {}, error() {}, complete() {} });
      await ended;
      expect(told.at(-1)).to.deep.equal({ data: { call: { chunks: 5 } } });
      await untilRunning(1);
      stop();
      await untilRunning(0);
      client.dispose();
    });

    it('knows a stream by its token and key, takes one reader, and ends its calls with it', async () => {
      const token = await reserve();
      expect((await open('none')).status).to.equal(404);
      expect((await open(token, SECOND)).status).to.equal(404);
      expect((await post(token, '')).status).to.equal(400);
      expect((await post(token, 'a')).status).to.equal(202);
      expect((await post(token, 'a')).status).to.equal(409);
      const wrong = await post(token, 'b', '{ nothing }');
      expect(codeOf((await wrong.json()) as Answer)).to.equal('invalid_request');
      const leaving = new AbortController();
      const stream = await open(token, KEY, leaving.signal);
      expect(stream.headers.get('content-type')).to.equal('text/event-stream');
      expect((await open(token)).status).to.equal(409);
      for (let n = 1; n < 8; n++) expect((await post(token, `a${n}`, WAIT)).status).to.equal(202);
      expect((await post(token, 'one too many')).status).to.equal(503);
      leaving.abort();
      await untilRunning(0);
      await eventually(async () => (await open(token)).status === 404);
    });
  });

  describe('over a WebSocket', () => {
    const connect = async (protocols: string[] = ['graphql-transport-ws']): Promise<WebSocket> => {
      const ws = new SocketWithKey(address().replace('http', 'ws'), protocols);
      await once(ws, 'open');
      return ws;
    };
    const closeCode = async (...messages: (object | string | Buffer)[]): Promise<number> => {
      const ws = await connect();
      const closed = once(ws, 'close');
      for (const one of messages) {
        ws.send(typeof one === 'string' || Buffer.isBuffer(one) ? one : JSON.stringify(one), {
          binary: Buffer.isBuffer(one),
        });
      }
      return (await closed)[0] as number;
    };
    const init = { type: 'connection_init' };
    const subscribe = (id: string, query = WAIT) => ({ id, type: 'subscribe', payload: { query } });

    it('refuses before the upgrade who has no key, or speaks another protocol', async () => {
      const refusal = async (protocols: string[], headers: Record<string, string>) => {
        const ws = new WebSocket(address().replace('http', 'ws'), protocols, { headers });
        ws.on('error', () => {});
        const [, response] = await once(ws, 'unexpected-response');
        response.destroy();
        return response.statusCode;
      };
      expect(await refusal(['graphql-transport-ws'], {})).to.equal(401);
      expect(await refusal(['graphql-ws'], KEY)).to.equal(400);
      expect(await refusal([], KEY)).to.equal(400);
      expect(await refusal(['graphql-transport-ws'], { ...KEY, Origin: 'http://evil.example' })).to.equal(
        403,
      );
    });

    it('closes for what the protocol forbids, with its own codes', async () => {
      expect(await closeCode(subscribe('a'))).to.equal(4401);
      expect(await closeCode(init, init)).to.equal(4429);
      expect(await closeCode(init, subscribe('😀'.repeat(40)), subscribe('😀'.repeat(40)))).to.equal(4409);
      expect(await closeCode(init, Buffer.from('{}'))).to.equal(4400);
      const wrong = [
        '',
        '[]',
        '{',
        '{"type":"start"}',
        '{"type":"subscribe","id":7}',
        '{"type":"ping","payload":7}',
      ];
      for (const text of wrong) expect(await closeCode(init, text), text).to.equal(4400);
      expect(await closeCode('x'.repeat(1024 * 1024 + 1))).to.equal(1009);
      await untilRunning(0);
    });

    it('answers pings, tells errors of requests and one too many, and is silent after `complete`', async () => {
      const ws = await connect();
      const told: { type: string; id?: string; payload?: { extensions: { code: string } }[] }[] = [];
      ws.on('message', (data) => told.push(JSON.parse(String(data))));
      const say = (message: object) => ws.send(JSON.stringify(message));
      say(init);
      say({ type: 'ping' });
      say(subscribe('bad', '{ nothing }'));
      say({ id: 'worse', type: 'subscribe' });
      for (let n = 0; n < 8; n++) say(subscribe(`${n}`));
      say(subscribe('8'));
      await eventually(() => told.some(({ id }) => id === '8'));
      expect(told.filter(({ id }) => id === undefined).map(({ type }) => type)).to.deep.equal([
        'connection_ack',
        'pong',
      ]);
      const errors = told.filter(({ type }) => type === 'error');
      expect(errors.map(({ id, payload }) => [id, payload?.[0]?.extensions.code])).to.deep.equal([
        ['bad', 'invalid_request'],
        ['worse', 'invalid_request'],
        ['8', 'overloaded'],
      ]);
      for (let n = 0; n < 8; n++) say({ id: `${n}`, type: 'complete' });
      say({ id: 'unknown', type: 'complete' });
      await untilRunning(0);
      const pongs = () => told.filter(({ type }) => type === 'pong').length;
      say({ type: 'ping' });
      await eventually(() => pongs() === 2); // what was on its way has come
      const before = told.length;
      say({ type: 'ping' });
      await eventually(() => pongs() === 3);
      expect(told.slice(before)).to.deep.equal([{ type: 'pong' }]);
      ws.terminate();
    });

    it('drops a reader that stands still', async () => {
      const own = await startGateway({ minWorkers: 1, graphql: true, streamStallMs: 300 });
      const ws = new SocketWithKey(`${own.url.replace('http', 'ws')}/graphql`, ['graphql-transport-ws']);
      await once(ws, 'open');
      ws.send(JSON.stringify(init));
      const query =
        'subscription { call(tool: "count", arguments: {n: 1000000, pad: 1000}) { ... on CallChunks { items } } }';
      ws.send(JSON.stringify(subscribe('a', query)));
      ws.pause();
      const figures = () => own.gateway.stats()['transports'] as Record<string, { slowConsumers: number }>;
      await eventually(() => figures()['graphql']?.slowConsumers === 1);
      ws.terminate();
      await own.close();
    });
  });

  it('has the schema of the tools that there are, and of those that the key may use', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'graphql-test-'));
    const module = join(folder, 'tools.mjs');
    const define = (...names: string[]) =>
      writeFileSync(
        module,
        [
          `import { defineTool } from '${LIBRARY}';`,
          "const made = (name) => defineTool({ name, description: 'It.', input: { type: 'object' }, async run() {} });",
          ...names.map((name) => `export const ${name} = made('${name}');`),
        ].join('\n'),
      );
    define('old_one');
    const own = await startGateway({ minWorkers: 1, graphql: true, builtIns: 'off', tools: [module] });
    const fields = async (): Promise<unknown> => {
      const body = '{"query":"{ __type(name: \\"ToolCalls\\") { fields { name } } }"}';
      const { data } = (await (await fetch(`${own.url}/graphql`, { ...JSON_POST, body })).json()) as Answer;
      return (data as never as { __type: { fields: { name: string }[] } }).__type.fields.map(
        ({ name }) => name,
      );
    };
    try {
      expect(await fields()).to.deep.equal(['oldOne']);
      define('old_one', 'new_one');
      await own.gateway.reload();
      expect(await fields()).to.deep.equal(['newOne', 'oldOne']);
    } finally {
      await own.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('is not there unless it is asked for', async () => {
    const own = await startGateway({ minWorkers: 1, tools: [fixture('basic-tools')] });
    expect(
      (await fetch(`${own.url}/graphql`, { ...JSON_POST, body: '{"query":"{ tools { name } }"}' })).status,
    ).to.equal(404);
    await own.close();
  });
});
