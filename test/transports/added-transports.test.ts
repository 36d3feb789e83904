/** Transports that a user of the package adds: with a socket of their own, and on the gateway's. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import {
  createGateway,
  type HttpRegistration,
  type HttpRoute,
  ToolError,
  type Transport,
  type TransportContext,
} from '../../lib/index.ts';
import { ToyTransport } from '../fixtures/toy-transport.ts';
import { eventually } from '../support/eventually.ts';
import { noteOpened } from '../support/leak-check.ts';
import { startGateway, type TestGateway } from '../support/start-gateway.ts';
import { JSON_POST, KEY } from './start-transports.ts';
import { connectToy } from './toy-client.ts';

/** Speaks plain text on the gateway's socket: a page, a format of answers, and a WebSocket of its own. */
class TextTransport implements Transport {
  readonly name = 'text';
  context: TransportContext | undefined;

  open(context: TransportContext): void {
    this.context = context;
    const { calls, http } = context;
    http.route({
      method: 'GET',
      path: '/names',
      description: 'names the tools',
      handle: (request, response) =>
        response.end(
          calls
            .catalogOf(request.keyId)
            .tools.map(({ name }) => name)
            .join('\n'),
        ),
    });
    http.format({
      transport: this.name,
      mediaType: 'text/plain',
      label: 'text',
      preference: 9,
      streams: false,
      serve: (_request, response, call) =>
        call.onEnd((end) => response.end(end.type === 'result' ? end.data : end.error.code)),
    });
    http.upgrade({
      path: '/raw/:word',
      description: 'says a word',
      handle: ({ params, keyId }, socket) => {
        socket.end(`HTTP/1.1 101 Switching\r\n\r\n${params['word']} ${keyId.slice(0, 4)}`);
      },
    });
  }

  close(): void {}
}

describe('transports of the user', () => {
  let gateway: TestGateway;
  const start = async (...transports: Transport[]) => {
    gateway = await startGateway({ minWorkers: 1, transports });
  };
  const get = (path: string) => fetch(gateway.url + path, { headers: KEY });
  const stats = async () => (await (await get('/stats')).json()) as Record<string, Record<string, object>>;

  describe('with a socket of their own', () => {
    it('are counted in /stats, keep the gateway’s keys, and are closed with it', async () => {
      const toy = new ToyTransport();
      await start(toy);
      const client = await connectToy(toy)(gateway);
      const call = client.call('wait', { ms: 60_000 });
      await eventually(async () => {
        const { toy } = (await stats())['transports'] as Record<string, { connections: number }>;
        return toy?.connections === 1;
      });
      const { transports = {}, mcp } = await stats();
      expect(transports['toy']).to.include({ connections: 1, sockets: 1, slowConsumers: 0 });
      expect(Object.keys(transports)).to.have.members([
        'http',
        'sse',
        'ndjson',
        'graphql',
        'openapi',
        'stats-stream',
        'console',
        'prometheus',
        'grpc',
        'websocket',
        'mcp-http',
        'toy',
      ]);
      expect(mcp).to.include.all.keys('sessions', 'openStreams', 'subscriptions', 'suspendedCalls');
      await gateway.close();
      await call.untilClosed();
      expect(toy.isOpen).to.equal(false);
    });

    it('are asked for a key like everybody', async () => {
      const toy = new ToyTransport();
      await start(toy);
      const client = await connectToy(toy, 'wrong')(gateway);
      expect((await client.call('echo', { text: 'a' }).ended()).error?.code).to.equal('unauthenticated');
      await gateway.close();
    });

    it('are closed when the port cannot be had, and opened again', async () => {
      const taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      const { port } = taken.address() as AddressInfo;
      const toy = new ToyTransport();
      const own = await createGateway({ port, minWorkers: 1, logLevel: 'ERROR', transports: [toy] });
      expect(await own.listen().then(String, (error) => error.code)).to.equal('EADDRINUSE');
      expect(toy.isOpen).to.equal(false);
      taken.close();
      await once(taken, 'close');
      await own.listen();
      await once(connect(toy.port, '127.0.0.1'), 'connect');
      await own.close();
    });
  });

  it('cannot have the name of another, and nothing stays open', async () => {
    const rival = { name: 'sse', open() {}, close() {} };
    const noteClosed = noteOpened();
    const refused = await createGateway({ transports: [rival] }).then(String, ({ message }) => message);
    expect(refused).to.equal('two transports are named "sse"; rename one');
    await noteClosed();
  });

  describe('on the gateway’s socket', () => {
    const text = new TextTransport();
    before(() => start(text));
    after(() => gateway.close());

    it('have pages, behind the key and in the list of endpoints', async () => {
      expect(await (await get('/names')).text()).to.contain('echo');
      expect((await fetch(`${gateway.url}/names`)).status).to.equal(401);
      expect((await fetch(`${gateway.url}/names`, { method: 'DELETE', headers: KEY })).status).to.equal(405);
      const { endpoints } = (await (await get('/')).json()) as { endpoints: object[] };
      expect(endpoints).to.deep.include({ method: 'GET', path: '/names', description: 'names the tools' });
      expect(endpoints).to.deep.include({ method: 'WS', path: '/raw/{word}', description: 'says a word' });
    });

    it('have a say in what a call is answered with', async () => {
      const body = '{"arguments": {"text": "hello"}}';
      const ask = (path: string, accept: string) =>
        fetch(gateway.url + path, { ...JSON_POST, headers: { ...JSON_POST.headers, accept }, body });
      expect(await (await ask('/tools/echo', 'text/plain')).text()).to.equal('{"text":"hello"}');
      expect((await ask('/tools/echo', '*/*')).headers.get('content-type')).to.match(/^application\/json/);
      const refused = await ask('/tools/echo/stream', 'text/plain');
      expect([refused.status, ((await refused.json()) as { detail: string }).detail]).to.deep.equal([
        406,
        'this answers with text/event-stream, application/x-ndjson; ask for one of them in Accept',
      ]);
    });

    it('take sockets over, after the key was checked, and leave the rest to others', async () => {
      const upgrade = async (path: string, headers: object) => {
        const ws = new WebSocket(gateway.url.replace('http', 'ws') + path, { headers: { ...headers } });
        ws.on('error', () => {});
        const [, response] = await once(ws, 'unexpected-response').catch(() => [undefined, undefined]);
        return response?.statusCode;
      };
      expect(await upgrade('/raw/word', {})).to.equal(401);
      expect(await upgrade('/raw', KEY)).to.equal(404);
      expect((await get('/raw/word')).status).to.equal(426);
      const socket = connect(gateway.port, '127.0.0.1');
      socket.write(
        'GET /raw/a%20word HTTP/1.1\r\nHost: localhost\r\nX-API-Key: super-secret\r\n' +
          'Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      );
      const [answer] = await once(socket.setEncoding('utf8'), 'data');
      expect(answer).to.match(/a word key-$/);
      socket.destroy();
    });

    it('register a path once, and before the socket is bound', () => {
      const route = { method: 'GET', path: '/late', description: 'comes late', handle() {} } as const;
      expect(() => text.context?.http.route(route))
        .to.throw('too late')
        .with.property('code', 'conflict');
    });
  });

  it('find what is sent to their paths, in the order of registration, and may fail with it', async () => {
    const endpoint = { description: 'is there', endpoints: [] };
    const tea = new ToolError('conflict', 'no tea');
    await start({
      name: 'paths',
      open({ http }) {
        const post = (path: string, handle: HttpRoute['handle']) =>
          http.route({ ...endpoint, method: 'POST', path, handle });
        post('/tools/own', (_, response) => response.end('own'));
        post('/words/:first/of/:last', ({ params }, response) => response.end(JSON.stringify(params)));
        http.mount({
          ...endpoint,
          path: '/words/every/of/method',
          handle: (_, answer) => answer.end('mount'),
        });
        http.mount({
          ...endpoint,
          path: '/fails',
          handle({ method }) {
            if (method === 'GET') throw tea;
            const rejected = Promise.reject(tea);
            // biome-ignore lint/suspicious/noThenProperty: a promise of another library
            return method === 'PUT' ? { then: rejected.then.bind(rejected) } : rejected;
          },
        });
      },
      close() {},
    });
    const ask = async (method: string, path: string, headers: object = KEY) => {
      const answer = await fetch(gateway.url + path, { method, headers: { ...headers } });
      const text = await answer.text();
      return text.startsWith('{"type"') ? [answer.status, JSON.parse(text).code] : [answer.status, text];
    };
    expect(await ask('POST', '/tools/own?x=/')).to.deep.equal([200, 'own']);
    expect(await ask('POST', '/words/a%2Fb/of/c')).to.deep.equal([200, '{"first":"a/b","last":"c"}']);
    expect(await ask('POST', '/words/every/of/method')).to.deep.equal([
      200,
      '{"first":"every","last":"method"}',
    ]);
    expect(await ask('DELETE', '/words/every/of/method')).to.deep.equal([200, 'mount']);
    expect(await ask('POST', '/words/%ff/of/c')).to.deep.equal([400, 'invalid_request']);
    expect(await ask('POST', '/words//of/c')).to.deep.equal([404, 'not_found']);
    expect(await ask('POST', '/words/a/of/c', {})).to.deep.equal([401, 'unauthenticated']);
    expect(await ask('DELETE', '/words/a/of/c')).to.deep.equal([405, 'method_not_allowed']);
    expect(await ask('POST', '/tools/none')).to.deep.equal([404, 'tool_not_found']);
    expect(await ask('GET', '/fails')).to.deep.equal([409, 'conflict']);
    expect(await ask('PUT', '/fails')).to.deep.equal([409, 'conflict']);
    expect(await ask('DELETE', '/fails')).to.deep.equal([409, 'conflict']);
    await gateway.close();
  });

  it('cannot take a path of another', async () => {
    const nothing = { description: 'does nothing', endpoints: [], handle() {} };
    const attempts: [string, (http: HttpRegistration) => void][] = [
      ['every method of /mcp', (http) => http.mount({ ...nothing, path: '/mcp' })],
      ['every method of /health', (http) => http.mount({ ...nothing, path: '/health' })],
      ['GET /mcp', (http) => http.route({ ...nothing, method: 'GET', path: '/mcp' })],
      ['POST /tools/:name', (http) => http.route({ ...nothing, method: 'POST', path: '/tools/:name' })],
      ['GET /ws/tools/:name', (http) => http.upgrade({ ...nothing, path: '/ws/tools/:name' })],
    ];
    let attempt = attempts[0]?.[1];
    const rival: Transport = { name: 'rival', open: ({ http }) => attempt?.(http), close() {} };
    const own = await createGateway({ port: 0, minWorkers: 1, logLevel: 'ERROR', transports: [rival] });
    for (const [what, next] of attempts) {
      attempt = next;
      const refused = await own.listen().then(String, ({ message }) => message);
      expect(refused).to.equal(`${what} is registered twice`);
    }
    await own.close();
  });
});
