/** MCP over HTTP+SSE, as revision 2024-11-05 had it: an SDK client is the judge, and what it never sends is sent by hand. */
import { get, type IncomingMessage } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ElicitRequestSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect } from 'chai';
import { eventually } from '../../support/eventually.ts';
import { startGateway } from '../../support/start-gateway.ts';
import { whole } from './every-client.ts';
import { type StartedMcp, startMcp } from './start-mcp.ts';
import { exchange, SECOND, SUPER } from './wire-client.ts';

const modules = ['basic-tools', 'mcp-tools', 'conformance'];
const at = (mcp: StartedMcp, path: string) => new URL(path, mcp.url);

async function connect(mcp: StartedMcp, keys = SUPER, capabilities: object = {}): Promise<Client> {
  const transport = new SSEClientTransport(at(mcp, '/sse'), {
    requestInit: { headers: keys },
    eventSourceInit: {
      fetch: (url, init) => fetch(url, { ...init, headers: { ...init?.headers, ...keys } }),
    },
  });
  const client = new Client({ name: 'legacy', version: '1' }, { capabilities });
  await client.connect(transport as Transport);
  return client;
}

interface LegacyStream {
  readonly address: URL;
  readonly events: string[];
  readonly response: IncomingMessage;
  readonly ended: Promise<unknown>;
}

/** Opens a stream by hand. */
async function openStream(url: string | URL, keys = SUPER): Promise<LegacyStream> {
  const headers = { accept: 'text/event-stream', ...keys };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { agent: false, headers }, resolve).on('error', reject);
  });
  const events: string[] = [];
  let rest = '';
  response.setEncoding('utf8').on('error', () => {});
  response.on('data', (part: string) => {
    const parts = (rest + part).split('\n\n');
    rest = parts.pop() ?? '';
    events.push(...parts.filter((event) => !event.startsWith(':')));
  });
  const ended = new Promise((resolve) => response.on('close', resolve));
  await eventually(() => events.length > 0 || response.complete);
  const [, path = ''] = /^event: endpoint\ndata: (\/messages\?sessionId=\S+)$/.exec(events[0] ?? '') ?? [];
  return { address: new URL(path, url), events, response, ended };
}

const post = (address: URL, body: unknown, headers: Record<string, string> = SUPER) =>
  exchange(
    address.href,
    'POST',
    { 'content-type': 'application/json', ...headers },
    typeof body === 'string' ? body : JSON.stringify(body),
  ).done;
const HELLO = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'hand', version: '1' } },
};

describe('MCP over HTTP+SSE', () => {
  let mcp: StartedMcp;
  let client: Client;
  before(async () => {
    mcp = await startMcp({ modules });
    client = await connect(mcp, SUPER, { elicitation: {} });
  });
  after(async () => {
    await client.close();
    await eventually(() => mcp.endpoint.stats().legacySessions === 0);
    expect(mcp.dispatcher.callsInFlight).to.equal(0);
    await mcp.close();
  });
  const call = (name: string, args: object, options: object = {}) =>
    client.callTool({ name, arguments: args as Record<string, unknown> }, undefined, options);

  it('lists, calls and fails', async () => {
    expect((await client.listTools()).tools.map(({ name }) => name)).to.include('echo');
    expect((await call('echo', { text: 'hé' }))['structuredContent']).to.deep.equal({ text: 'hé' });
    expect((await call('echo', {}))['isError']).to.equal(true);
    const unknown = await call('nope', {}).catch((error) => error);
    expect(unknown).to.have.property('code', -32602);
  });

  it('brings every progress value before the result, of calls that run at once too', async () => {
    const report = async () => {
      const values: number[] = [];
      const onprogress = ({ progress }: { progress: number }) => values.push(progress);
      await call('report', { n: 5, everyMs: 100 }, { onprogress });
      return values;
    };
    const atOnce = () => Promise.all(Array.from({ length: 10 }, report));
    const seen = await whole(atOnce, (all) => all.every((values) => values.length === 5));
    for (const values of seen) expect(values).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it('answers 50 calls at once, and 5 MB', async () => {
    const texts = Array.from({ length: 50 }, (_, n) => String(n));
    const answers = await Promise.all(texts.map((text) => call('echo', { text })));
    expect(
      answers.map(({ structuredContent }) => (structuredContent as { text: string }).text),
    ).to.deep.equal(texts);
    const wide = await call('wide_stream', { n: 5, size: 1_000_000 });
    expect((wide['structuredContent'] as { data: string[] }).data.join('')).to.have.length(5_000_000);
  });

  it('cancels a call', async () => {
    const abort = new AbortController();
    const running = call('until_cancelled', { key: 'legacy' }, { signal: abort.signal }).catch(
      (error) => error,
    );
    const state = async () => (await call('cancel_state', { key: 'legacy' }))['structuredContent'];
    await eventually(async () => ((await state()) as { state: string }).state === 'running');
    abort.abort();
    expect(await running).to.be.an.instanceOf(Error);
    await eventually(async () => ((await state()) as { state: string }).state === 'cancelled');
  });

  it('brings questions, news and resources', async () => {
    client.setRequestHandler(ElicitRequestSchema, async () => ({
      action: 'accept',
      content: { name: 'Ada' },
    }));
    const asked = await call('test_input_required_result_elicitation', {});
    expect(asked['content']).to.deep.equal([{ type: 'text', text: 'Hello, Ada!' }]);
    const updated: string[] = [];
    client.setNotificationHandler(
      ResourceUpdatedNotificationSchema,
      ({ params }) => void updated.push(params.uri),
    );
    await client.subscribeResource({ uri: 'test://watched-resource' });
    await call('touch', { uri: 'test://watched-resource' });
    await eventually(() => updated.length > 0);
    const { contents } = await client.readResource({ uri: 'test://static-text' });
    expect(contents).to.have.length(1);
  });

  it('cancels what a client that leaves has running', async () => {
    const other = await connect(mcp);
    const running = other.callTool({ name: 'wait', arguments: { ms: 60_000 } }).catch(() => 'ended');
    await eventually(() => mcp.dispatcher.callsInFlight === 1);
    await other.close();
    expect(await running).to.equal('ended');
    await eventually(() => mcp.dispatcher.callsInFlight === 0);
  });

  describe('by hand', () => {
    it('tells the address first, accepts each message, and answers on the stream', async () => {
      const { address, events, response } = await openStream(at(mcp, '/sse'));
      expect(response.headers).to.include({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
      const accepted = await post(address, HELLO);
      expect([accepted.status, accepted.messages]).to.deep.equal([202, []]);
      await eventually(() => events.length === 2);
      expect(events[1]).to.match(/^event: message\ndata: \{.*"protocolVersion":"2024-11-05"/);
      response.destroy();
    });

    it('knows a session by its key and while its stream is open', async () => {
      const { address, response } = await openStream(at(mcp, '/sse'));
      expect((await post(address, HELLO, SECOND)).status).to.equal(404);
      expect((await post(address, HELLO, {})).status).to.equal(401);
      for (const path of [
        '/messages',
        '/messages?sessionId=',
        '/messages?sessionId=x',
        '/messages?SessionId=x',
      ]) {
        const { status, last } = await post(at(mcp, path), HELLO);
        expect([status, last?.error?.code]).to.deep.equal([404, -32001]);
      }
      expect((await post(address, HELLO)).status).to.equal(202);
      response.destroy();
      await eventually(async () => (await post(address, HELLO)).status === 404);
    });

    it('refuses what is no message, and what it does not serve', async () => {
      const { address, response } = await openStream(at(mcp, '/sse'));
      expect((await post(address, '{"jsonrpc":')).last?.error?.code).to.equal(-32700);
      expect((await post(address, '5')).last?.error?.code).to.equal(-32600);
      expect((await post(address, [HELLO])).status).to.equal(400);
      expect((await post(address, HELLO, { ...SUPER, 'content-type': 'text/plain' })).status).to.equal(415);
      expect((await post(address, JSON.stringify('x'.repeat(2_000_000)))).status).to.equal(413);
      const get = await exchange(address.href, 'GET', SUPER).done;
      expect([get.status, get.headers['allow']]).to.deep.equal([405, 'POST']);
      const fallback = await exchange(at(mcp, '/sse').href, 'POST', SUPER, '{}').done;
      expect([fallback.status, fallback.headers['allow']]).to.deep.equal([405, 'GET']);
      const json = { ...SUPER, accept: 'application/json' };
      expect((await exchange(at(mcp, '/sse').href, 'GET', json).done).status).to.equal(406);
      expect((await exchange(at(mcp, '/sse').href, 'GET', {}).done).status).to.equal(401);
      const foreign = { ...SUPER, origin: 'http://evil.example' };
      expect((await exchange(at(mcp, '/sse').href, 'GET', foreign).done).status).to.equal(403);
      expect((await post(address, HELLO, { ...SUPER, host: 'evil.example' })).status).to.equal(403);
      response.destroy();
    });

    it('holds a tool whose client does not read, and drops one that stands still', async () => {
      const own = await startMcp({ modules, stallMs: 300 });
      const { address, response } = await openStream(at(own, '/sse'));
      response.pause();
      await post(address, HELLO);
      const params = {
        name: 'wide_stream',
        arguments: { n: 5000, size: 20_000 },
        _meta: { progressToken: 1 },
      };
      await post(address, { jsonrpc: '2.0', id: 1, method: 'tools/call', params });
      await eventually(() => own.endpoint.stats().legacySessions === 0);
      await eventually(() => own.dispatcher.callsInFlight === 0);
      response.destroy();
      await own.close();
    });

    it('ends the stream when another key needs the room, and when the gateway closes', async () => {
      const own = await startMcp({ modules, maxSessions: 3 });
      const mine = [
        await openStream(at(own, '/sse')),
        await openStream(at(own, '/sse')),
        await openStream(at(own, '/sse')),
      ] as const;
      const full = await exchange(at(own, '/sse').href, 'GET', { ...SUPER, accept: 'text/event-stream' })
        .done;
      expect([full.status, full.last?.error?.code]).to.deep.equal([503, 1503]);
      const other = await openStream(at(own, '/sse'), SECOND);
      await mine[0].ended;
      expect((await post(mine[0].address, HELLO)).status).to.equal(404);
      const wait = { name: 'wait', arguments: { ms: 60_000 } };
      await post(other.address, HELLO, SECOND);
      await post(other.address, { jsonrpc: '2.0', id: 'w', method: 'tools/call', params: wait }, SECOND);
      await eventually(() => own.dispatcher.callsInFlight === 1);
      own.endpoint.close();
      await Promise.all([mine[1].ended, other.ended]);
      expect(other.events.at(-1)).to.contain('"id":"w"').and.contain('-32001');
      await own.close();
    });
  });
});

describe('LEGACY_SSE', () => {
  for (const legacySse of [true, false]) {
    it(`${legacySse ? 'on: both paths are listed and served' : 'off: there is nothing'}`, async () => {
      const gateway = await startGateway({ legacySse });
      try {
        if (legacySse) (await openStream(`${gateway.url}/sse`)).response.destroy();
        else expect((await exchange(`${gateway.url}/sse`, 'GET', SUPER).done).status).to.equal(404);
        expect((await exchange(`${gateway.url}/messages?sessionId=x`, 'POST', SUPER).done).status).to.equal(
          404,
        );
        const { endpoints } = (await (await fetch(gateway.url)).json()) as { endpoints: { path: string }[] };
        expect(endpoints.some(({ path }) => path === '/sse')).to.equal(legacySse);
      } finally {
        await gateway.close();
      }
    });
  }
});
