/** WebSocket, where it is more than the shared behaviour: handshakes, ids, bad frames, questions, closing. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { eventually } from '../../support/eventually.ts';
import { rawExchange } from '../raw-http.ts';
import { endOf, flood, result, type Script } from '../scripted-runner.ts';
import { KEY, type Started, type StartOptions, startTransports } from '../start-transports.ts';

type Message = Record<string, unknown> & {
  readonly error?: { readonly code: string; readonly details?: unknown; readonly retryAfterMs?: number };
};

const scripts: Record<string, Script> = {
  echo: async function* (call) {
    yield { type: 'started' };
    yield result(call.arguments);
  },
  wait: async function* ({ signal }) {
    yield { type: 'started' };
    await once(signal, 'abort');
  },
  ask: async function* ({ answers, abilities }) {
    yield { type: 'started' };
    yield { type: 'ask', ask: 1, method: 'elicit', params: { message: 'name?' } };
    yield { type: 'ask', ask: 2, method: 'roots', params: undefined };
    while (answers.size < 2) await new Promise(setImmediate);
    yield result({ first: answers.get(1), second: String(answers.get(2)), abilities });
  },
  unspeakable: async function* ({ signal }) {
    yield { type: 'started' };
    yield { type: 'ask', ask: 1, method: 'elicit', params: { big: 1n } };
    await once(signal, 'abort');
  },
  flood,
  /** Batches of frames of every form of length, one of them with characters of several bytes. */
  lengths: async function* () {
    yield { type: 'started' };
    let index = 0;
    for (const items of BATCHES) {
      yield { type: 'chunks', index, items: items.map((item) => JSON.stringify(item)) };
      index += items.length;
    }
    yield result(undefined, index);
  },
};

const BATCHES = [
  Array.from({ length: 200 }, (_, length) => 'a'.repeat(length)),
  ['x', 'é', '→', '😀', 'b'.repeat(124), 'é'.repeat(100)],
  ['c'.repeat(0xff00), 'd'.repeat(0xffff), 'e'],
  ['f'.repeat(0xff00), 'g'.repeat(0xff00 + 100), 'h'],
];

/** A client that remembers what it got. */
class Client {
  readonly ws: WebSocket;
  readonly messages: Message[] = [];
  readonly closed: Promise<number>;

  constructor(
    url: string,
    options: { protocols?: string[]; headers?: Record<string, string>; autoPong?: boolean } = {},
  ) {
    const { protocols = [], ...rest } = options;
    this.ws = new WebSocket(url.replace('http', 'ws'), protocols, rest);
    this.ws.on('message', (data) => this.messages.push(JSON.parse(String(data))));
    this.ws.on('error', () => {});
    this.closed = once(this.ws, 'close').then(([code]) => code as number);
  }

  async open(): Promise<this> {
    await once(this.ws, 'open');
    return this;
  }

  say(message: object | string | Buffer): void {
    this.ws.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message));
  }

  /** The first message that has all of `members`, now or later. */
  async got(members: Message): Promise<Message> {
    for (;;) {
      const found = this.messages.find((message) =>
        Object.entries(members).every(([name, value]) => message[name] === value),
      );
      if (found) return found;
      await once(this.ws, 'message');
    }
  }
}

describe('WebSocket', () => {
  let served: Started;
  const clients: Client[] = [];
  const connect = (
    tool: string,
    options: ConstructorParameters<typeof Client>[1] = { headers: KEY },
    query = '',
  ) => {
    const client = new Client(`${served.url}/ws/tools/${tool}${query}`, options);
    clients.push(client);
    return client;
  };
  const open = (tool: string) => connect(tool).open();

  beforeEach(async () => {
    served = await startTransports(scripts);
  });
  /** For tests of what strikes soon: it could strike any other on a machine that is busy. */
  const startAnew = async (options: StartOptions) => {
    await served.close();
    served = await startTransports(scripts, options);
  };
  afterEach(async () => {
    for (const { ws } of clients.splice(0)) ws.terminate();
    await served.close();
  });

  const handshake = async (client: Client) => {
    const [outcome] = await Promise.race([
      once(client.ws, 'open').then(() => [101]),
      once(client.ws, 'unexpected-response').then(([, response]) => [response.statusCode, response]),
    ]);
    return outcome;
  };

  it('takes the key from a header, the query or the subprotocol pair, and selects only its own protocol', async () => {
    const protocols = ['mcp-gateway.v1', `apikey.${Buffer.from('super-secret').toString('base64url')}`];
    expect(await handshake(connect('echo'))).to.equal(101);
    expect(await handshake(connect('echo', {}, '?api_key=super-secret'))).to.equal(101);
    const client = connect('echo', { protocols });
    expect(await handshake(client)).to.equal(101);
    expect(client.ws.protocol).to.equal('mcp-gateway.v1');
    expect(client.ws.extensions).to.equal('');
  });

  it('refuses before the upgrade, with a problem document', async () => {
    expect(await handshake(connect('echo', {}))).to.equal(401);
    expect(await handshake(connect('echo', {}, '?api_key=wrong'))).to.equal(401);
    expect(await handshake(connect('nope'))).to.equal(404);
    expect(await handshake(connect('__proto__'))).to.equal(404);
    expect(await handshake(connect('echo/more'))).to.equal(404);
    expect(await handshake(connect('%ff'))).to.equal(400);
    expect(
      await handshake(connect('echo', { headers: { ...KEY, Origin: 'https://evil.example' } })),
    ).to.equal(403);
    expect(await handshake(connect('echo', { headers: { ...KEY, Host: 'evil.example' } }))).to.equal(403);
    const head =
      'GET /ws/tools/echo?api_key=super-secret HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
    const received = await rawExchange(served.port, `${head}\r\n`, () => false);
    expect(received)
      .to.match(/^HTTP\/1.1 400 Bad Request\r\nX-Request-Id: /)
      .and.include('problem+json');
    expect(received).to.include('"code":"invalid_request"').and.not.include('super-secret');
  });

  it('counts wrong keys of upgrades with those of requests', async () => {
    for (let n = 0; n < 10; n++)
      await fetch(`${served.url}/tools`, { headers: { 'X-API-Key': `wrong ${n}` } });
    expect(await handshake(connect('echo', {}, '?api_key=wrong'))).to.equal(429);
    expect(await handshake(connect('echo'))).to.equal(101);
  });

  it('refuses upgrades while it drains', async () => {
    await served.dispatcher.drain(0);
    expect(await handshake(connect('echo'))).to.equal(503);
  });

  it('echoes ids with their type and runs 1 and "1" side by side', async () => {
    const client = await open('echo');
    client.say({ id: 1, arguments: { n: 1 } });
    client.say({ id: '1', arguments: { n: 2 } });
    expect((await client.got({ event: 'complete', id: 1 }))['data']).to.deep.equal({ n: 1 });
    expect((await client.got({ event: 'complete', id: '1' }))['data']).to.deep.equal({ n: 2 });
    expect(Object.keys(client.messages[0] ?? {})).to.deep.equal(['event', 'id', 'tool', 'callId']);
  });

  it('sends each chunk as a frame of its own, in order, whatever its length and its characters', async () => {
    const client = await open('lengths');
    client.say({ id: 'ü', arguments: {} });
    client.say({ id: 'u', arguments: {} });
    for (const id of ['ü', 'u']) {
      await client.got({ id, event: 'complete' });
      const messages = client.messages.filter((message) => message['id'] === id);
      expect(messages.map(({ event }) => event)).to.deep.equal([
        'started',
        ...BATCHES.flat().map(() => 'chunk'),
        'complete',
      ]);
      const chunks = messages.slice(1, -1);
      expect(chunks.map(({ index }) => index)).to.deep.equal(chunks.map((_, index) => index));
      expect(chunks.map(({ data }) => data)).to.deep.equal(BATCHES.flat());
    }
  });

  it('makes an id where there is none and tells it in started', async () => {
    const client = await open('echo');
    client.say('{}');
    const { id } = await client.got({ event: 'started' });
    expect(id).to.equal('srv-1');
    await client.got({ event: 'complete', id });
  });

  it('refuses an id that is in flight and leaves the first call alone', async () => {
    const client = await open('wait');
    client.say({ id: 'a' });
    await client.got({ event: 'started', id: 'a' });
    client.say({ id: 'a' });
    const { error } = await client.got({ event: 'error', id: null });
    expect(error).to.deep.include({ code: 'duplicate_id', details: { id: 'a' } });
    client.say({ event: 'cancel', id: 'unknown' });
    client.say({ event: 'cancel', id: 'a' });
    await client.got({ event: 'complete', id: 'a', status: 'cancelled' });
    expect(client.messages.filter(({ event }) => event === 'complete')).to.have.length(1);
  });

  it('answers a bad frame with one error of id null and goes on', async () => {
    const client = await open('echo');
    const frames: [string | Buffer, string][] = [
      ['{', 'parse_error'],
      ['[]', 'invalid_request'],
      ['null', 'invalid_request'],
      [Buffer.from('{}'), 'invalid_request'],
      ['{"event":"dance"}', 'invalid_request'],
      ['{"id":""}', 'invalid_request'],
      ['{"id":1.5}', 'invalid_request'],
      [`{"id":"${'x'.repeat(129)}"}`, 'invalid_request'],
      [`{"arguments":{"__proto__":1}}`, 'too_complex'],
    ];
    for (const [frame] of frames) client.say(frame);
    client.say({ event: 'ping' });
    await client.got({ event: 'pong' });
    expect(
      client.messages.slice(0, -1).map(({ event, id, error }) => [event, id, error?.code]),
    ).to.deep.equal(frames.map(([, code]) => ['error', null, code]));
  });

  it('closes with 1008 after ten bad frames in a row', async () => {
    const client = await open('echo');
    for (let n = 0; n < 9; n++) client.say('x');
    client.say({ id: 'good' });
    await client.got({ event: 'complete', id: 'good' });
    for (let n = 0; n < 10; n++) client.say('x');
    expect(await client.closed).to.equal(1008);
  });

  it('gives error and complete to a call whose fields are wrong, and to one too many', async () => {
    const client = await open('wait');
    client.say({ id: 'bad', arguments: null });
    expect((await client.got({ event: 'error', id: 'bad' })).error?.code).to.equal('invalid_request');
    await client.got({ event: 'complete', id: 'bad', status: 'error' });
    for (let id = 0; id < 9; id++) client.say({ id });
    expect((await client.got({ event: 'error', id: 8 })).error?.code).to.equal('overloaded');
    await client.got({ event: 'complete', id: 8, status: 'error' });
  });

  it('limits the rate of calls and not of connections', async () => {
    const limited = await startTransports(scripts, { rateLimit: 2 });
    const connect = () => new Client(`${limited.url}/ws/tools/echo`, { headers: KEY }).open();
    const client = await connect();
    for (let n = 0; n < 3; n++) await connect();
    for (const id of [1, 2, 3]) client.say({ id });
    await client.got({ event: 'complete', id: 2, status: 'success' });
    const { error } = await client.got({ event: 'error', id: 3 });
    expect(error).to.include({ code: 'rate_limited', status: 429, retryable: true });
    expect(error?.retryAfterMs).to.be.within(1, 1000);
    await client.got({ event: 'complete', id: 3, status: 'error' });
    await limited.close();
  });

  it('carries a tool’s questions to the client and the answers back', async () => {
    const client = await open('ask');
    client.say({ id: 'q' });
    const question = await client.got({ event: 'elicit', ask: 1 });
    expect(question).to.deep.equal({
      event: 'elicit',
      id: 'q',
      ask: 1,
      method: 'elicit',
      params: { message: 'name?' },
    });
    await client.got({ event: 'elicit', ask: 2, method: 'roots' });
    client.say({ event: 'answer', id: 'q', ask: 1, result: { action: 'accept' } });
    client.say({ event: 'answer', id: 'q', ask: 2, error: { message: 'no roots here' } });
    const { data } = await client.got({ event: 'complete' });
    expect(data).to.deep.include({ first: { action: 'accept' }, second: 'ToolError: no roots here' });
  });

  it('closes with 1011, and nothing worse, when an event cannot be rendered', async () => {
    const client = await open('unspeakable');
    client.say({ id: 1 });
    expect(await client.closed).to.equal(1011);
    expect(await endOf(served.runner.calls[0])).to.have.nested.property('error.code', 'cancelled');
    await eventually(() => served.logged.length > 0);
    expect(served.logged).to.deep.equal(['error: the events of a call could not be sent']);
  });

  it('closes with 1009 on a message above 1 MiB and with 1007 on invalid UTF-8, and lives on', async () => {
    const large = await open('echo');
    large.say(`{"arguments":{"x":"${'x'.repeat(1024 * 1024)}"}}`);
    expect(await large.closed).to.equal(1009);
    const garbled = await open('echo');
    garbled.ws.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect(await garbled.closed).to.equal(1007);
    await (await open('echo')).ws.close();
  });

  it('takes messages up to MAX_BODY_BYTES', async () => {
    const small = await startTransports(scripts, { maxBodyBytes: 100 });
    const ws = new WebSocket(`${small.url.replace('http', 'ws')}/ws/tools/echo`, { headers: KEY });
    await once(ws, 'open');
    ws.send(`{"arguments":{"x":"${'x'.repeat(100)}"}}`);
    expect((await once(ws, 'close'))[0]).to.equal(1009);
    await small.close();
  });

  it('cancels every call of a client that leaves', async () => {
    const client = await open('wait');
    client.say({ id: 1 });
    client.say({ id: 2 });
    await client.got({ event: 'started', id: 2 });
    client.ws.terminate();
    for (const call of served.runner.calls) {
      expect(await endOf(call)).to.have.nested.property('error.code', 'cancelled');
    }
    const { websocket } = served.meters;
    await eventually(() => websocket.connections + websocket.streams === 0);
  });

  it('drops a client that stands still, ends all its calls and counts it', async () => {
    await startAnew({ streamStallMs: 300 });
    const client = await open('flood');
    client.say({ id: 1 });
    client.say({ id: 2 });
    await client.got({ event: 'started', id: 2 });
    client.ws.pause();
    for (const call of served.runner.calls) {
      expect(await endOf(call)).to.have.nested.property('error.code', 'slow_consumer');
    }
    await eventually(() => served.meters.websocket.slowConsumers === 1);
    await setTimeout(2500); // longer than any other client would be waited for
    client.ws.resume();
    expect(await client.closed).to.equal(1008);
  });

  it('drops a client that asks and asks and never reads the answers', async () => {
    await startAnew({ streamStallMs: 300 });
    const client = await open('flood');
    client.say({ id: 1 });
    await client.got({ event: 'started', id: 1 });
    client.ws.pause();
    while (client.ws.readyState === WebSocket.OPEN && served.meters.websocket.slowConsumers === 0) {
      for (let n = 0; n < 200; n++) client.say({ event: 'ping' });
      await new Promise(setImmediate);
    }
    expect(await endOf(served.runner.calls[0])).to.have.nested.property('error.code', 'slow_consumer');
    client.ws.resume();
    expect(await client.closed).to.equal(1008);
  });

  it('serves the calls of one socket in turns', async () => {
    const client = await open('flood');
    client.say({ id: 1 });
    client.say({ id: 2 });
    while (client.messages.length < 4000) await once(client.ws, 'message');
    const counts = [1, 2].map((id) => client.messages.filter((message) => message['id'] === id).length);
    expect(Math.min(...counts)).to.be.above(1000);
  });

  it('pings, keeps who pongs and ends who misses two', async () => {
    await startAnew({ pingMs: 300 });
    const deaf = await connect('wait', { headers: KEY, autoPong: false }).open();
    const alive = await open('wait');
    expect(await deaf.closed).to.equal(1006);
    expect(alive.ws.readyState).to.equal(WebSocket.OPEN);
  });

  it('outlives whatever bytes come after the upgrade, or in its place', async () => {
    const head = `GET /ws/tools/echo HTTP/1.1\r\nHost: localhost\r\nX-API-Key: super-secret\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'x'.repeat(22)}==\r\n\r\n`;
    const attempts = Array.from({ length: 40 }, async (_, n) => {
      const socket = connectTcp(served.port, '127.0.0.1');
      socket.on('error', () => {});
      if (n % 4) socket.write(head);
      // two bytes that promise a short masked text frame, so that some garbage is read as a message
      if (n % 2) socket.write(Buffer.from([0x81, 0x80 | (n % 100)]));
      socket.write(randomBytes(1 + n * 50));
      await Promise.race([once(socket, 'close'), once(socket.resume(), 'end'), setTimeout(100)]);
      socket.destroy();
    });
    await Promise.all(attempts);
    const client = await open('echo');
    client.say({ id: 1 });
    await client.got({ event: 'complete', id: 1 });
  });

  it('says 1001 to open sockets when it closes, and outlives those that do not answer', async () => {
    const polite = await open('wait');
    const mute = await open('wait');
    mute.ws.pause();
    await served.closeTransports();
    expect(await polite.closed).to.equal(1001);
  });
});
