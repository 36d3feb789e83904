import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import { ToolError } from '../../../lib/call/tool-error.ts';
import { eventually } from '../../support/eventually.ts';
import { type StartedMcp, startMcp } from './start-mcp.ts';
import { exchange, SECOND, SUPER, WireClient } from './wire-client.ts';

describe('/mcp, era with sessions', () => {
  let mcp: StartedMcp;
  let client: WireClient;
  before(async () => {
    mcp = await startMcp({ modules: ['basic-tools', 'mcp-tools', 'conformance'], resumeGraceMs: 30_000 });
  });
  after(() => mcp.close());
  beforeEach(async () => {
    client = new WireClient(mcp.url);
    await client.initialize();
  });
  afterEach(async () => {
    await client.end().done;
    await eventually(() => mcp.dispatcher.callsInFlight === 0);
  });

  it('gives each session an id of its own, and answers in the negotiated revision', async () => {
    const other = new WireClient(mcp.url);
    const reply = await other.initialize('2025-06-18');
    expect(reply.last?.result).to.include({ protocolVersion: '2025-06-18' });
    expect(other.sessionId).to.match(/^[\x21-\x7e]{20,}$/);
    expect(other.sessionId).not.to.equal(client.sessionId);
    await other.end().done;
  });

  it('refuses a request without a key as JSON-RPC and as 401', async () => {
    const reply = await new WireClient(mcp.url, {}).call('ping').done;
    expect(reply.status).to.equal(401);
    expect(reply.headers['www-authenticate']).to.match(/^Bearer/);
    expect(reply.last).to.deep.include({ id: null });
    expect(reply.last?.error?.code).to.equal(1401);
  });

  it('answers 400 without a session id, and 404 for a session that is unknown or ended', async () => {
    const stranger = new WireClient(mcp.url);
    expect((await stranger.call('ping').done).status).to.equal(400);
    expect((await stranger.call('ping', {}, 1, { 'mcp-session-id': 'no' }).done).status).to.equal(404);
    const other = new WireClient(mcp.url);
    await other.initialize();
    expect((await other.end().done).status).to.equal(200);
    expect((await other.call('ping').done).status).to.equal(404);
    expect((await other.end().done).status).to.equal(404);
  });

  it('hides a session from every key but its own', async () => {
    const reply = await client.call('ping', {}, 1, SECOND).done;
    expect(reply.status).to.equal(404);
    expect((await client.end(SECOND).done).status).to.equal(404);
    expect((await client.call('ping').done).last?.result).to.deep.equal({});
  });

  it('answers a call without a token as one JSON document with X-Call-Id', async () => {
    const reply = await client.tool('echo', { text: 'a' }).done;
    expect(reply.headers['content-type']).to.equal('application/json');
    expect(reply.headers['x-call-id']).to.be.a('string');
    expect(reply.last?.result?.['structuredContent']).to.deep.equal({ text: 'a' });
  });

  it('wraps an array in "data", and puts ctx.meta in _meta', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const reply = await client.call('tools/call', { name: 'remember' }, 1, { traceparent }).done;
    expect(reply.last?.result).to.deep.equal({
      content: [{ type: 'text', text: JSON.stringify([traceparent, 'mcp-http']) }],
      structuredContent: { data: [traceparent, 'mcp-http'] },
      _meta: { seen: true },
    });
  });

  it('refuses an id that is in flight, and still answers the first request', async () => {
    const asked = new WireClient(mcp.url);
    await asked.initialize('2025-11-25', { elicitation: {} });
    const first = asked.tool('ask', {}, 7); // in flight until it has its answer
    const question = await first.message(1);
    const second = await asked.tool('echo', { text: 'b' }, 7).done;
    expect(second.last?.error?.code).to.equal(-32600);
    const other = await asked.tool('echo', { text: 'c' }, '7').done;
    expect(other.last?.id).to.equal('7');
    await asked.post({ jsonrpc: '2.0', id: question.id, result: { action: 'decline' } }).done;
    const { last } = await first.done;
    expect([last?.id, last?.result?.['structuredContent']]).to.deep.equal([
      7,
      { answer: { action: 'decline' } },
    ]);
    await asked.end().done;
  });

  for (const id of [0, 'a string', 12]) {
    it(`ends the exchange of a cancelled call without a response, id ${JSON.stringify(id)}`, async () => {
      const running = client.tool('until_cancelled', { key: `session-${id}` }, id, { progressToken: 'p' });
      await running.head;
      expect((await client.cancel(id).done).status).to.equal(202);
      expect((await running.done).messages).to.deep.equal([]);
    });
  }

  it('ends the exchange of a cancelled call that had no stream', async () => {
    const ids = mcp.dispatcher.callsInFlight;
    const running = client.tool('wait', { ms: 60_000 }, 5);
    while (mcp.dispatcher.callsInFlight === ids) await new Promise(setImmediate);
    await client.cancel(5).done;
    const { status, headers, messages } = await running.done;
    expect([status, headers['content-type'], messages]).to.deep.equal([200, 'text/event-stream', []]);
  });

  it('tells the requests of a session that is ended that it is gone', async () => {
    const other = new WireClient(mcp.url);
    await other.initialize();
    const running = other.tool('wait', { ms: 60_000 }, 5);
    const streaming = other.tool('until_cancelled', { key: 'ended session' }, 6, { progressToken: 'p' });
    await streaming.head;
    await eventually(() => mcp.dispatcher.callsInFlight === 2);
    expect((await other.end().done).status).to.equal(200);
    const { status, last } = await running.done;
    expect([status, last?.id, last?.error?.code]).to.deep.equal([404, 5, -32001]);
    const told = (await streaming.done).last;
    expect([told?.id, told?.error?.code]).to.deep.equal([6, -32001]);
    await eventually(() => mcp.dispatcher.callsInFlight === 0);
  });

  it('cancels a list of resources that does not come', async () => {
    const endless = await startMcp({ modules: ['endless-list'], pool: { cancelGraceMs: 200 } });
    try {
      const other = new WireClient(endless.url);
      await other.initialize();
      const listing = other.call('resources/list', {}, 5);
      await eventually(() => endless.dispatcher.callsInFlight === 1);
      await other.cancel(5).done;
      expect((await listing.done).messages).to.deep.equal([]);
      const leaving = other.stateless('resources/list');
      await eventually(() => endless.dispatcher.callsInFlight === 1);
      leaving.leave();
      await eventually(() => endless.dispatcher.callsInFlight === 0);
      await other.end().done;
    } finally {
      await endless.close();
    }
  });

  it('lists the resources of every template that can, and names the one that cannot', async () => {
    const logged: unknown[] = [];
    const half = await startMcp({
      modules: ['half-a-list'],
      log: (_level, message, fields) => logged.push([message, fields?.['resource']]),
    });
    try {
      const other = new WireClient(half.url);
      await other.initialize();
      const { result } = (await other.call('resources/list').done).last ?? {};
      expect(result?.['resources']).to.deep.equal([{ uri: 'listed://1', name: 'one' }]);
      expect(result?.['_meta']).to.deep.equal({ 'io.github.mcp-streaming-gateway/unlisted': ['broken'] });
      expect(logged).to.deep.equal([['a resource template could not list its members', 'broken']]);
    } finally {
      await half.close();
    }
  });

  it('cancels the call of a client that leaves a document', async () => {
    const running = client.tool('wait', { ms: 60_000 }, 5);
    while (mcp.dispatcher.callsInFlight === 0) await new Promise(setImmediate);
    running.leave();
    while (mcp.dispatcher.callsInFlight > 0) await new Promise(setImmediate);
  });

  it('cancels what a client that leaves has pipelined, of either era', async () => {
    const stateless = {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'wait',
    };
    const envelope = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const post = (id: number, headers: Record<string, string>, meta: object) => {
      const params = { name: 'wait', arguments: { ms: 60_000 }, _meta: meta };
      const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params });
      const all = {
        ...{ host: 'localhost', ...SUPER, 'content-type': 'application/json' },
        ...{
          accept: 'application/json, text/event-stream',
          'content-length': String(body.length),
          ...headers,
        },
      };
      const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
      return `POST /mcp HTTP/1.1\r\n${head.join('')}\r\n${body}`;
    };
    const session = { 'mcp-session-id': client.sessionId, 'mcp-protocol-version': '2025-11-25' };
    const socket = connect(Number(new URL(mcp.url).port), '127.0.0.1');
    socket.write(post(1, session, {}) + post(2, session, {}) + post(3, stateless, envelope));
    await eventually(() => mcp.dispatcher.callsInFlight === 3);
    socket.destroy();
    await eventually(() => mcp.dispatcher.callsInFlight === 0);
  });

  it('cancels the call of a client that leaves a stream and does not come back', async () => {
    const own = await startMcp({ resumeGraceMs: 200 });
    const leaving = new WireClient(own.url);
    await leaving.initialize();
    const running = leaving.tool('wait', { ms: 60_000 }, 5, { progressToken: 1 });
    await running.head;
    running.leave();
    await eventually(() => own.dispatcher.callsInFlight === 0);
    await own.close();
  });

  it('gives a client that comes back what it missed, in order and once', async () => {
    const running = client.tool('count', { n: 100, delayMs: 10 }, 5, { progressToken: 1 });
    await running.message(3);
    running.leave();
    const { lastEventId, messages } = await running.done;
    const resumed = await client.listen({ 'last-event-id': String(lastEventId) }).done;
    const items = [...messages, ...resumed.messages].flatMap(
      ({ params }) => params?._meta?.['io.github.mcp-streaming-gateway/chunk']?.['items'] ?? [],
    );
    expect(items).to.deep.equal(Array.from({ length: 100 }, (_, i) => ({ i })));
    expect(resumed.last?.result?.['structuredContent']).to.deep.equal({ data: items });
  });

  it('keeps a streamed call like any other: it is listed, and another reader takes it over', async () => {
    let keyId = '';
    const unobserve = mcp.dispatcher.observe({
      started: ({ caller }) => {
        keyId = caller.keyId;
      },
    });
    const running = client.tool('count', { n: 1000, delayMs: 10 }, 5, { progressToken: 1 });
    await running.message(3);
    unobserve();
    const state = (await mcp.dispatcher.list(keyId)).at(-1);
    expect(state).to.include({ tool: 'count', hasStarted: true });
    const call = await mcp.dispatcher.resume({ callId: state?.callId ?? '', keyId, after: -1 });
    const { last } = await running.done;
    expect(last?.result).to.have.property('isError', true);
    let index = 0;
    for await (const event of call) {
      if (event.type !== 'chunks') continue;
      expect(event.index).to.equal(index);
      index += event.items.length;
      if (index > 5) break;
    }
  });

  it('replays a finished stream to a client that lost only its end', async () => {
    const { lastEventId, messages } = await client.tool('report', { n: 2, everyMs: 1 }, 5, {
      progressToken: 1,
    }).done;
    const [stream] = String(lastEventId).split('_');
    const replay = await client.listen({ 'last-event-id': `${stream}_0` }).done;
    expect(replay.messages).to.deep.equal(messages);
    const strange = await client.listen({ 'last-event-id': 'r1_999999' }).done;
    expect(strange.status).to.equal(400);
  });

  it('gives a client that was told to poll its result, and keeps no stream behind it', async () => {
    // A gateway that is held up may have the result before it is time to send the client away.
    let reply = await client.tool('test_reconnection').done;
    while (reply.last !== undefined) reply = await client.tool('test_reconnection').done;
    const { lastEventId } = reply;
    const resumed = await client.listen({ 'last-event-id': String(lastEventId) }).done;
    expect(resumed.last?.result).to.have.property('content');
    await eventually(() => mcp.endpoint.stats().openStreams === 0);
  });

  it('starts a stream with an event that has an id, a retry time and no data', async () => {
    const response = await client.tool('report', { n: 1, everyMs: 1 }, 5, { progressToken: 1 }).head;
    const [first] = await once(response, 'data');
    expect(String(first)).to.match(/^id: r\d+_\d+\nretry: \d+\ndata: \n\n/);
  });

  it('tells subscribers that a resource changed, on the GET stream alone', async () => {
    const stream = client.listen();
    await stream.head;
    await client.call('resources/subscribe', { uri: 'test://watched-resource' }).done;
    const touched = await client.tool('touch', { uri: 'test://watched-resource' }, 3, { progressToken: 1 })
      .done;
    expect(touched.messages).to.have.length(1);
    expect((await stream.message(1)).params).to.deep.equal({ uri: 'test://watched-resource' });
    expect((await stream.message(2)).method).to.equal('notifications/resources/list_changed');
    await client.call('resources/unsubscribe', { uri: 'test://watched-resource' }).done;
    await client.tool('touch', { uri: 'test://watched-resource' }, 4).done;
    expect((await stream.message(3)).method).to.equal('notifications/resources/list_changed');
    stream.leave();
  });

  it('refuses to subscribe to what there is not', async () => {
    const reply = await client.call('resources/subscribe', { uri: 'test://nothing' }).done;
    expect(reply.last?.error).to.deep.include({ code: -32002, data: { uri: 'test://nothing' } });
  });

  it('lets a second GET stream replace the first', async () => {
    const first = client.listen();
    await first.head;
    const second = client.listen();
    await second.head;
    await first.done;
    second.leave();
  });

  it('refuses a batch, but answers one in revision 2025-03-26', async () => {
    const batch = [
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { jsonrpc: '2.0', method: 'notifications/roots/list_changed' },
      { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'echo', arguments: { text: 'x' } } },
    ];
    expect((await client.post(batch).done).status).to.equal(400);
    const older = new WireClient(mcp.url);
    await older.initialize('2025-03-26');
    const reply = await older.post(batch).done;
    expect(reply.messages.map(({ id }) => id).sort()).to.deep.equal([1, 2]);
    await older.end().done;
  });

  const malformed: [string, unknown, Record<string, string>, number, number][] = [
    ['no JSON', '{"jsonrpc":', {}, 400, -32700],
    ['an empty body', '', {}, 400, -32700],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22]), {}, 400, -32700],
    ['a number', '5', {}, 400, -32600],
    ['no method and no result', { jsonrpc: '2.0', id: 1 }, {}, 400, -32600],
    ['method and result', { jsonrpc: '2.0', id: 1, method: 'ping', result: {} }, {}, 400, -32600],
    ['a null id', { jsonrpc: '2.0', id: null, method: 'ping' }, {}, 400, -32600],
    ['a fraction as id', { jsonrpc: '2.0', id: 1.5, method: 'ping' }, {}, 400, -32600],
    ['an id beyond 2^53', '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}', {}, 400, -32600],
    ['params that are a list', { jsonrpc: '2.0', id: 1, method: 'ping', params: [] }, {}, 400, -32602],
    ['params that are a text', { jsonrpc: '2.0', id: 1, method: 'ping', params: 'x' }, {}, 400, -32600],
    [
      'a __proto__ key',
      '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"__proto__":{}}}',
      {},
      400,
      -32600,
    ],
    ['65 levels', `${'['.repeat(65)}${']'.repeat(65)}`, {}, 400, -32600],
    ['another content type', '{}', { 'content-type': 'text/plain' }, 415, 1415],
    ['an Accept without streams', '{}', { accept: 'application/json' }, 406, 1406],
    ['2 MiB', JSON.stringify('x'.repeat(2 * 1024 * 1024)), {}, 413, 1413],
  ];
  for (const [what, body, headers, status, code] of malformed) {
    it(`answers ${what} with ${status} and ${code}`, async () => {
      const reply = await client.post(body, headers).done;
      expect([reply.status, reply.last?.error?.code]).to.deep.equal([status, code]);
    });
  }

  it('answers an unknown method with -32601, a wrong cursor with -32602', async () => {
    expect((await client.call('no/such').done).last?.error?.code).to.equal(-32601);
    expect((await client.call('tools/list', { cursor: 'zzz' }).done).last?.error?.code).to.equal(-32602);
  });

  it('refuses other methods with 405, and foreign hosts and origins with 403', async () => {
    const put = await exchange(mcp.url, 'PUT', SUPER).done;
    expect([put.status, put.headers['allow']]).to.deep.equal([405, 'GET, POST, DELETE']);
    expect((await exchange(mcp.url, 'POST', { ...SUPER, host: 'evil.example' }, '{}').done).status).to.equal(
      403,
    );
    const evil = { ...SUPER, origin: 'http://evil.example' };
    expect((await exchange(mcp.url, 'POST', evil, '{}').done).status).to.equal(403);
  });

  it('keeps 1 000 interleaved calls of four clients with the same ids apart', async () => {
    const clients = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const one = new WireClient(mcp.url);
        await one.initialize();
        return one;
      }),
    );
    for (let round = 0; round < 10; round++) {
      const replies = await Promise.all(
        clients.flatMap((one, who) =>
          Array.from({ length: 25 }, async (_, at) => {
            const text = `${who}/${round}/${at}`;
            const meta = at % 5 === 0 ? { progressToken: at } : undefined;
            const { last } = await one.tool('echo', { text }, at, meta).done;
            return { text, at, last };
          }),
        ),
      );
      for (const { text, at, last } of replies) {
        expect(last?.id).to.equal(at);
        expect(last?.result?.['structuredContent']).to.deep.equal({ text });
      }
    }
    await Promise.all(clients.map((one) => one.end().done));
  });
});

describe('/mcp where there is no room', () => {
  it('tells that a connection cannot be had as 503 and JSON-RPC, with the way to try again', async () => {
    const asked: string[] = [];
    const full = await startMcp({
      admit({ keyId }) {
        asked.push(keyId);
        throw new ToolError('overloaded', 'no room', { retryAfterMs: 1000 });
      },
    });
    const { status, headers, last } = await new WireClient(full.url).call('initialize').done;
    expect([status, headers['retry-after'], last?.error?.code]).to.deep.equal([503, '1', 1503]);
    expect(asked[0]).to.match(/^key-/);
    await full.close();
  });
});

describe('the sessions of /mcp', () => {
  it('are freed when idle, and so are their listeners', async () => {
    const mcp = await startMcp({ sessionIdleMs: 50 });
    let most = 0;
    for (let n = 0; n < 50; n++) {
      await new WireClient(mcp.url).initialize();
      most = Math.max(most, mcp.endpoint.stats().sessions);
    }
    expect(most).to.be.greaterThan(0);
    while (mcp.endpoint.stats().sessions > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(mcp.news.listeners).to.equal(0);
    await mcp.close();
  });

  it('are kept while a stream is open', async () => {
    const mcp = await startMcp({ sessionIdleMs: 50 });
    // One that is held up for longer than a session may idle finds it gone.
    const listening = async () => {
      const client = new WireClient(mcp.url);
      await client.initialize();
      return client.listen();
    };
    let stream = await listening();
    while ((await stream.head).statusCode !== 200) stream = await listening();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(mcp.endpoint.stats()).to.include({ openStreams: 1 });
    await eventually(() => mcp.endpoint.stats().sessions === 1);
    stream.leave();
    while (mcp.endpoint.stats().sessions > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await mcp.close();
  });

  describe('when as many are open as may be', () => {
    let mcp: StartedMcp;
    const open = async (keys = SUPER) => {
      const client = new WireClient(mcp.url, keys);
      await client.initialize();
      return client;
    };
    const statusOf = async (client: WireClient) => (await client.call('ping').done).status;
    const listening = async (client: WireClient) => {
      const stream = client.listen();
      await stream.head;
      return stream;
    };

    afterEach(() => mcp.close());

    it('the idle one that was used least recently is ended for the next', async () => {
      mcp = await startMcp({ maxSessions: 3 });
      const [first, second, third] = [await open(), await open(), await open()];
      expect(await statusOf(first)).to.equal(200);
      const fourth = await open(SECOND);
      expect(mcp.endpoint.stats().sessions).to.equal(3);
      const gone = await second.call('ping').done;
      expect([gone.status, gone.last?.error?.code]).to.deep.equal([404, -32001]);
      for (const client of [first, third, fourth]) expect(await statusOf(client)).to.equal(200);
    });

    it('a key that has many ends its own first', async () => {
      mcp = await startMcp({ maxSessions: 3 });
      const other = await open(SECOND);
      const [first, ...greedy] = [await open(), await open(), await open(), await open()];
      expect(await statusOf(first)).to.equal(404);
      expect(await statusOf(other)).to.equal(200);
      expect(await Promise.all(greedy.map(statusOf))).to.deep.equal([404, 200, 200]);
    });

    it('one that listens, or has a request open, stays; a key with two more yields all the same', async () => {
      mcp = await startMcp({ maxSessions: 3, resumeGraceMs: 60_000 });
      const greedy = [await open(), await open(), await open()] as const;
      const streams = await Promise.all(greedy.slice(0, 2).map(listening));
      const held = greedy[2].tool('wait', { ms: 60_000 }, 7, { progressToken: 'p' });
      while (mcp.dispatcher.callsInFlight === 0) await new Promise(setImmediate);
      const clientInfo = { name: 'one more', version: '1' };
      const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
      const refused = await new WireClient(mcp.url).call('initialize', hello).done;
      expect([refused.status, refused.last?.error?.code]).to.deep.equal([503, 1503]);
      expect(Number(refused.headers['retry-after'])).to.be.above(0);

      const comer = await open(SECOND);
      await streams[0]?.done;
      expect(await Promise.all(greedy.map(statusOf))).to.deep.equal([404, 200, 200]);
      expect(await statusOf(comer)).to.equal(200);
      held.leave();
    });
  });

  it('do not stay when the handshake fails', async () => {
    const mcp = await startMcp();
    const reply = await new WireClient(mcp.url).call('initialize', { nothing: true }).done;
    expect(reply.last?.error?.code).to.be.a('number');
    while (mcp.endpoint.stats().sessions > 0) await new Promise(setImmediate);
    await mcp.close();
  });
});
