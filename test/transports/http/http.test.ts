/** HTTP: routes, order of checks, bodies, headers and the traps of Node and Express. */

import { once } from 'node:events';
import { request as httpRequest, IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { expect } from 'chai';
import type { Request, Response } from 'express';
import { ToolError } from '../../../lib/call/tool-error.ts';
import { rawExchange } from '../raw-http.ts';
import { endOf, failure, result, type Script } from '../scripted-runner.ts';
import { JSON_POST, KEY, type Started, startTransports } from '../start-transports.ts';

const scripts: Record<string, Script> = {
  echo: async function* (call) {
    yield { type: 'started' };
    yield result(call.arguments);
  },
  metered: async function* () {
    yield result(1, 0, { callId: 'forged', pages: 2 });
  },
  unanswerable: async function* () {
    yield { ...result(1), meta: '{"callId": broken' };
  },
  busy: async function* () {
    yield failure(new ToolError('overloaded', 'the queue is full', { retryAfterMs: 2500 }));
  },
  secret: async function* () {
    yield failure(
      new ToolError('tool_failed', 'it failed', { details: { big: 1n }, cause: new Error('/etc/x') }),
    );
  },
  wait: async function* ({ signal }) {
    yield { type: 'started' };
    await once(signal, 'abort');
  },
};

type Answer = Awaited<ReturnType<typeof fetch>>;

interface Problem {
  readonly code: string;
  readonly [member: string]: unknown;
}

describe('HTTP', () => {
  let served: Started;
  const post = (path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
    fetch(served.url + path, { ...JSON_POST, headers: { ...JSON_POST.headers, ...headers }, body });
  const problemOf = async (answer: ReturnType<typeof fetch>): Promise<Problem> => {
    const response = await answer;
    expect(response.headers.get('content-type')).to.match(/^application\/problem\+json/);
    const problem = (await response.json()) as Problem;
    expect(problem['status']).to.equal(response.status);
    return problem;
  };

  before(async () => {
    served = await startTransports(scripts, { corsOrigins: ['https://app.example'] });
  });
  after(() => served.close());

  it('answers a call with its data and its facts, the tool’s own after them', async () => {
    const response = await post('/tools/echo', '{"arguments":{"a":[1,"é"]}}');
    const { status, data, meta } = (await response.json()) as Record<string, Record<string, unknown>>;
    expect([response.status, status, data]).to.deep.equal([200, 'success', { a: [1, 'é'] }]);
    expect(Object.keys(meta ?? {})).to.deep.equal(['callId', 'chunks', 'durationMs']);
    expect(response.headers.get('x-call-id')).to.equal(meta?.['callId']);
    const metered = (await (await post('/tools/metered', '{}')).json()) as Record<
      string,
      Record<string, unknown>
    >;
    expect(Object.keys(metered['meta'] ?? {})).to.deep.equal(['callId', 'chunks', 'durationMs', 'pages']);
    expect(metered['meta']?.['callId']).to.not.equal('forged');
  });

  it('makes requests and responses whose prototypes Express finds in place already', async () => {
    const born: object[] = [];
    served.server.prependOnceListener('request', (request, response) => {
      born.push(Object.getPrototypeOf(request), Object.getPrototypeOf(response));
    });
    const [[request, response]] = (await Promise.all([
      once(served.server, 'request'),
      post('/tools/echo', '{}'),
    ])) as unknown as [[Request, Response]];
    const { app } = request as unknown as { app: { request: object; response: object } };
    expect(born[0]).to.equal(app.request);
    expect(born[1]).to.equal(app.response);
    expect(Object.getPrototypeOf(request)).to.equal(born[0]);
    expect(Object.getPrototypeOf(response)).to.equal(born[1]);
    expect(request).to.be.instanceOf(IncomingMessage);
    expect(request.path).to.equal('/tools/echo');
  });

  it('serves a client that offers h2c, as Java’s does', async () => {
    const body = '{"arguments":{"n":1}}';
    const head = `POST /tools/echo HTTP/1.1\r\nHost: localhost\r\nX-API-Key: super-secret\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
    const offer =
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n';
    const received = await rawExchange(served.port, `${head}${offer}\r\n${body}`, (text) =>
      text.includes('"meta"'),
    );
    expect(received).to.match(/^HTTP\/1.1 200 OK/);
    expect(received).to.include('"data":{"n":1}');
  });

  it('checks the Host before anything else and never builds a URL from it', async () => {
    for (const host of ['a b[:', 'evil.example', '127.0.0.1.evil.example:80']) {
      const received = await rawExchange(served.port, `GET /nowhere HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      expect(received, host).to.match(/^HTTP\/1.1 403 /);
    }
    const received = await rawExchange(
      served.port,
      'GET // HTTP/1.1\r\nHost: localhost\r\nX-API-Key: super-secret\r\n\r\n',
    );
    expect(received).to.match(/^HTTP\/1.1 404 /);
  });

  it('gives pages of foreign origins neither an answer nor a CORS header', async () => {
    const response = await fetch(`${served.url}/tools`, {
      headers: { ...KEY, Origin: 'https://evil.example' },
    });
    expect(response.status).to.equal(403);
    expect(response.headers.get('access-control-allow-origin')).to.equal(null);
    const own = await fetch(`${served.url}/tools`, { headers: { ...KEY, Origin: served.url } });
    expect(own.status).to.equal(200);
    expect(own.headers.get('access-control-allow-origin')).to.equal(null);
  });

  it('answers a listed origin’s preflight without a key and exposes its headers', async () => {
    const headers = {
      Origin: 'https://app.example',
      'Access-Control-Request-Headers': 'x-api-key, content-type',
    };
    const preflight = await fetch(`${served.url}/tools/echo`, { method: 'OPTIONS', headers });
    expect(preflight.status).to.equal(204);
    expect(preflight.headers.get('access-control-allow-origin')).to.equal('https://app.example');
    expect(preflight.headers.get('access-control-allow-headers')).to.equal('x-api-key, content-type');
    const refused = await fetch(`${served.url}/tools/echo`, {
      method: 'OPTIONS',
      headers: { ...headers, Origin: 'https://evil.example' },
    });
    expect(refused.status).to.equal(403);
    const answer = await post('/tools/echo', '{}', { Origin: 'https://app.example' });
    expect(answer.headers.get('access-control-expose-headers')).to.include(
      'X-Request-Id, X-Call-Id, Retry-After',
    );
  });

  it('asks for a key everywhere but on / and /health, unknown tools included', async () => {
    for (const path of ['/', '/health', '/health/'])
      expect((await fetch(served.url + path)).status, path).to.equal(200);
    for (const path of ['/tools', '/stats', '/nowhere', '/ws/tools/echo', '/health//', '/tools/nope']) {
      const response = await fetch(served.url + path);
      expect(response.status, path).to.equal(401);
      expect(response.headers.get('www-authenticate')).to.match(/^Bearer/);
    }
    expect((await problemOf(fetch(`${served.url}/tools/nope`, { method: 'POST' }))).code).to.equal(
      'unauthenticated',
    );
  });

  it('echoes a harmless X-Request-Id and replaces any other', async () => {
    const idOf = async (id: string) =>
      (await fetch(served.url, { headers: { 'X-Request-Id': id } })).headers.get('x-request-id');
    expect(await idOf('req-1~!')).to.equal('req-1~!');
    expect(await idOf('x'.repeat(129))).to.match(/^[a-z0-9]+-[a-z0-9]+$/);
    expect(await idOf('two words')).to.match(/^[a-z0-9]+-[a-z0-9]+$/);
    const { requestId } = await problemOf(
      fetch(`${served.url}/x`, { headers: { ...KEY, 'X-Request-Id': 'mine' } }),
    );
    expect(requestId).to.equal('mine');
  });

  it('renders problems with their members in order and without the query', async () => {
    const problem = await problemOf(fetch(`${served.url}/nowhere?api_key=super-secret`, { headers: KEY }));
    expect(Object.keys(problem)).to.deep.equal(
      'type title status detail instance code retryable requestId'.split(' '),
    );
    expect(problem).to.include({ type: 'urn:mcp-streaming-gateway:error:not_found', instance: '/nowhere' });
    expect(JSON.stringify(problem)).to.not.include('super-secret');
  });

  it('keeps details that JSON cannot hold, causes and stacks to itself', async () => {
    const text = await (await post('/tools/secret', '{}')).text();
    expect(text).to.include('"code":"tool_failed"');
    expect(text).to.not.match(/etc|stack|details/);
  });

  it('sends Retry-After in whole seconds with 503, and the call’s id', async () => {
    const response = await post('/tools/busy', '{}');
    expect(response.status).to.equal(503);
    expect(response.headers.get('retry-after')).to.equal('3');
    expect(response.headers.get('x-call-id')).to.equal(((await response.json()) as Problem)['callId']);
  });

  it('names the allowed methods of a known path, after the tool itself is known', async () => {
    const allowed: [string, string, string][] = [
      ['GET', '/tools/echo', 'POST'],
      ['PUT', '/tools/echo/stream', 'POST, GET, HEAD'],
      ['POST', '/tools', 'GET, HEAD'],
      ['POST', '/', 'GET, HEAD'],
      ['POST', '/calls/x', 'GET, HEAD, DELETE'],
      ['POST', '/calls/x/events', 'GET, HEAD, DELETE'],
    ];
    for (const [method, path, allow] of allowed) {
      const response = await fetch(served.url + path, { method, headers: KEY });
      expect([response.status, response.headers.get('allow')], path).to.deep.equal([405, allow]);
    }
    expect((await fetch(`${served.url}/tools/nope`, { headers: KEY })).status).to.equal(404);
  });

  it('finds no tool under names that objects inherit', async () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect((await problemOf(post(`/tools/${name}`, '{}'))).code).to.equal('tool_not_found');
    }
  });

  it('answers a plain GET on a WebSocket path with 426', async () => {
    const response = await fetch(`${served.url}/ws/tools/echo`, { headers: KEY });
    expect(response.status).to.equal(426);
    expect((await fetch(`${served.url}/ws/tools/nope`, { headers: KEY })).status).to.equal(404);
  });

  it('closes the connection after that answer where the client asked for it, and else keeps it', async () => {
    const head = 'GET /ws/tools/echo HTTP/1.1\r\nHost: localhost\r\nX-API-Key: super-secret\r\n';
    const closed = await rawExchange(served.port, `${head}Connection: close\r\n\r\n`, () => false);
    expect(closed)
      .to.match(/^HTTP\/1.1 426 /)
      .and.match(/\r\nConnection: Upgrade, close\r\n/i);
    const twice = await rawExchange(served.port, `${head}\r\n${head}Connection: close\r\n\r\n`, () => false);
    expect(twice.match(/HTTP\/1.1 426 /g)).to.have.length(2);
  });

  it('turns a path that cannot be decoded into invalid_request, without a stack', async () => {
    const { code, detail } = await problemOf(post('/tools/%ff', '{}'));
    expect([code, detail]).to.deep.equal(['invalid_request', 'the path is not valid percent-encoding']);
  });

  it('negotiates JSON first on /tools/{name} and streams on /stream', async () => {
    const typeOf = async (path: string, accept: string) => {
      const response = await post(path, '{}', { Accept: accept });
      await response.text();
      return response.status === 200 ? response.headers.get('content-type')?.split(';')[0] : response.status;
    };
    const json = 'application/json';
    const sse = 'text/event-stream';
    const ndjson = 'application/x-ndjson';
    expect(await typeOf('/tools/echo', '*/*')).to.equal(json);
    expect(await typeOf('/tools/echo', `${sse}, ${json}`)).to.equal(json);
    expect(await typeOf('/tools/echo', sse)).to.equal(sse);
    expect(await typeOf('/tools/echo', `${json};q=0.5, ${ndjson}`)).to.equal(ndjson);
    expect(await typeOf('/tools/echo', 'text/html')).to.equal(406);
    expect(await typeOf('/tools/echo/stream', '*/*')).to.equal(sse);
    expect(await typeOf('/tools/echo/stream', 'text/*')).to.equal(sse);
    expect(await typeOf('/tools/echo/stream', ndjson)).to.equal(ndjson);
    expect(await typeOf('/tools/echo/stream', `${json}, ${ndjson};q=0.1`)).to.equal(ndjson);
    expect(await typeOf('/tools/echo/stream', json)).to.equal(406);
  });

  it('takes JSON in UTF-8 only: no form, no text, no other charset', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      '',
      'application/json; charset=utf-16',
      'application/json-patch+json',
      'application/merge-patch+json',
      'application/vnd.x+json',
      'application/problem+json; charset=utf-8',
      'application/json5',
      'application/jsonl',
      'text/json',
      'application/json+x',
      'application/json, text/plain',
      'application/json charset=utf-8',
      'application/json; charset',
      'application/json; charset="utf-8',
      'application/json; charset=utf-8; charset=utf-16',
      'application / json',
    ]) {
      const { code } = await problemOf(post('/tools/echo', '{}', { 'Content-Type': type }));
      expect(code, type).to.equal('unsupported_media_type');
    }
    for (const type of [
      'Application/JSON; Charset=UTF-8',
      'application/json;charset="utf-8"',
      'application/json ; charset=utf-8 ;',
      'application/json; profile="a; charset=utf-16"; v=1',
      'application/json;odata',
    ]) {
      expect((await post('/tools/echo', '{}', { 'Content-Type': type })).status, type).to.equal(200);
    }
  });

  it('answers 500 and logs where the end of a call cannot be answered', async () => {
    const { status, code, detail } = await problemOf(post('/tools/unanswerable', '{}'));
    expect({ status, code, detail }).to.deep.equal({
      status: 500,
      code: 'internal',
      detail: 'the answer could not be written',
    });
    expect(served.logged).to.include('error: the end of a call could not be answered');
  });

  it('calls malformed, empty and wrongly encoded JSON parse_error', async () => {
    for (const body of [
      '',
      '  ',
      '{',
      '{"arguments":{}}x',
      "{'a':1}",
      '[1,]',
      Buffer.from([0x7b, 0xff, 0x7d]),
    ]) {
      expect((await problemOf(post('/tools/echo', body))).code, String(body)).to.equal('parse_error');
    }
    expect((await post('/tools/echo', '\ufeff{}')).status).to.equal(200);
  });

  it('names the field of a body that is no call', async () => {
    const wrong: [string, string][] = [
      ['null', 'null'],
      ['[]', 'an array'],
      ['1', 'a number'],
      ['{"arguments":null}', '"arguments" is null'],
      ['{"arguments":[]}', '"arguments" is an array'],
      ['{"timeoutMs":0}', '"timeoutMs" is 0'],
      ['{"timeoutMs":"1"}', '"timeoutMs" is "1"'],
      ['{"result":"all"}', '"result" is "all"'],
    ];
    for (const [body, text] of wrong) {
      const { code, detail } = await problemOf(post('/tools/echo', body));
      expect(code, body).to.equal('invalid_request');
      expect(detail).to.include(text);
    }
    expect((await post('/tools/echo', '{"unknown":1}')).status).to.equal(200);
  });

  it('refuses what is too deep, too much, or a __proto__ key, and nothing just below', async () => {
    const nested = (depth: number) => `{"arguments":{"a":${'['.repeat(depth - 2)}${']'.repeat(depth - 2)}}}`;
    const many = (n: number) => `{"arguments":{"a":[${'1,'.repeat(n - 3)}1]}}`;
    for (const body of [
      nested(65),
      nested(5000),
      '['.repeat(100_000),
      many(10_001),
      '{"arguments":{"__proto__":{"x":1}}}',
      '{"arguments":{"\\u005f_proto_\\u005f" : 1}}',
    ]) {
      expect((await problemOf(post('/tools/echo', body))).code, body.slice(0, 60)).to.equal('too_complex');
    }
    for (const body of [nested(64), many(10_000), '{"arguments":{"a":"__proto__","b":"[[[\\\\\\"{{"}}']) {
      const response = await post('/tools/echo', body);
      expect(response.status, body.slice(0, 60)).to.equal(200);
      expect(((await response.json()) as { data: unknown }).data).to.deep.equal(JSON.parse(body).arguments);
    }
    expect(({} as Record<string, unknown>)['x']).to.equal(undefined);
  });

  it('refuses a declared large body before reading it, and a chunked one once it is too large', async () => {
    const head =
      'POST /tools/echo HTTP/1.1\r\nHost: localhost\r\nX-API-Key: super-secret\r\nContent-Type: application/json\r\n';
    const declared = await rawExchange(served.port, `${head}Content-Length: 99999999\r\n\r\n`, (text) =>
      text.includes('}'),
    );
    expect(declared)
      .to.match(/^HTTP\/1.1 413 /)
      .and.include('payload_too_large');
    const waiting = await rawExchange(
      served.port,
      `${head}Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n`,
      (text) => text.includes('}'),
    );
    expect(waiting).to.match(/^HTTP\/1.1 413 /);
    const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
    const chunked = await rawExchange(
      served.port,
      `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}${chunk}`,
      (text) => text.includes('}'),
    );
    expect(chunked).to.match(/^HTTP\/1.1 413 /);
  });

  it('tells a client that asks first to go on with a body of fair size', async () => {
    const head =
      'POST /tools/echo HTTP/1.1\r\nHost: localhost\r\nX-API-Key: super-secret\r\nContent-Type: application/json\r\n';
    const received = await rawExchange(
      served.port,
      `${head}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}`,
      (text) => text.includes('"meta"'),
    );
    expect(received).to.match(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/);
  });

  it('cancels the call of a client that leaves, though its body was read long ago', async () => {
    const request = httpRequest(`${served.url}/tools/wait`, JSON_POST);
    request.on('error', () => {});
    const before = served.runner.calls.length;
    request.end('{}');
    while (served.runner.calls.length === before) await new Promise(setImmediate);
    const call = served.runner.calls[before];
    request.destroy();
    expect(await endOf(call)).to.have.nested.property('error.code', 'cancelled');
  });

  it('cancels the calls of a client that leaves with answers queued behind one another', async () => {
    const before = served.runner.calls.length;
    const body = '{}';
    const one = `POST /tools/wait HTTP/1.1\r\nHost: localhost\r\nX-API-Key: super-secret\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n${body}`;
    const socket = connect(served.port, '127.0.0.1', () =>
      socket.write(one + one.replace('wait', 'wait/stream')),
    );
    while (served.runner.calls.length < before + 2) await new Promise(setImmediate);
    const calls = served.runner.calls.slice(before);
    socket.destroy();
    for (const call of calls) expect(await endOf(call)).to.have.nested.property('error.code', 'cancelled');
  });

  it('cancels a call by its id for its own key alone, and answers 499 to who waits for it', async () => {
    const before = served.runner.calls.length;
    const waiting = post('/tools/wait', '{}');
    while (served.runner.calls.length === before) await new Promise(setImmediate);
    const id = served.runner.calls[before]?.callId;
    const cancel = (key: string) =>
      fetch(`${served.url}/calls/${id}`, { method: 'DELETE', headers: { 'X-API-Key': key } });
    expect((await cancel('second')).status).to.equal(404);
    const accepted = await cancel('super-secret');
    expect([accepted.status, await accepted.json()]).to.deep.equal([
      202,
      { callId: id, status: 'cancelling' },
    ]);
    expect((await problemOf(waiting)).code).to.equal('cancelled');
    expect((await cancel('super-secret')).status).to.equal(404);
  });

  it('answers 503 with Retry-After while it drains', async () => {
    const draining = await startTransports(scripts);
    await draining.dispatcher.drain(0);
    const response = await fetch(`${draining.url}/tools/echo`, { ...JSON_POST, body: '{}' });
    expect([response.status, response.headers.get('retry-after')]).to.deep.equal([503, '1']);
    expect(((await response.json()) as Problem).code).to.equal('unavailable');
    await draining.close();
  });

  it('limits the rate per key when asked to', async () => {
    const limited = await startTransports(scripts, { rateLimit: 2 });
    const list = () => fetch(`${limited.url}/tools`, { headers: KEY });
    const left = ({ headers }: Answer) => Number(/r=(\d)/.exec(headers.get('ratelimit') ?? '')?.[1]);
    const call = (path: string) => fetch(`${limited.url}${path}`, { ...JSON_POST, body: '{}' });
    for (let n = 0; n < 3; n++) expect((await list()).status).to.equal(200);
    expect((await call('/tools/nope')).status).to.equal(404);
    // At once: one behind the other they could take longer than the second that the limit counts.
    const paths = ['/tools/echo', '/tools/echo/stream', '/tools/echo/stream'];
    const answers = await Promise.all(paths.map(call));
    answers.sort((a, b) => left(b) - left(a) || a.status - b.status);
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 429]);
    expect(answers.map(({ headers }) => headers.get('ratelimit-policy'))).to.deep.equal(
      Array(3).fill('"default";q=2;w=1'),
    );
    expect(answers.map(({ headers }) => headers.get('ratelimit'))).to.deep.equal([
      '"default";r=1;t=1',
      '"default";r=0;t=1',
      '"default";r=0;t=1',
    ]);
    expect(answers.at(-1)?.headers.get('retry-after')).to.equal('1');
    expect((await list()).headers.get('ratelimit')).to.equal(null);
    await limited.close();
  });

  it('turns an error of its own into a problem document and a log record', async () => {
    const broken = await startTransports(scripts, {
      pages: {
        info: () => {
          throw new Error('a secret');
        },
        health: () => ({ status: 'down' }),
        retryAfterMs: () => 1000,
        stats: () => ({}),
      },
    });
    const response = await fetch(broken.url);
    expect(response.status).to.equal(500);
    expect(await response.text())
      .to.include('"code":"internal"')
      .and.not.include('secret');
    expect(broken.logged).to.deep.equal(['error: the gateway failed to handle the request']);
    expect((await fetch(`${broken.url}/health`)).status).to.equal(503);
    await broken.close();
  });
});
