/** CallSession: several calls on one stream, what tools ask meanwhile, and how a session ends. */
import { expect } from 'chai';
import { eventually } from '../../support/eventually.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { fixture } from '../../support/start-pool.ts';
import { type Any, grpcClient, keyMetadata } from './grpc-js-client.ts';

const LONG = { tool: 'wait', arguments: '{"ms":60000}' };
const ASKS = { tool: 'ask', arguments: '{}' };
const echo = (text: string) => ({ tool: 'echo', arguments: JSON.stringify({ text }) });

/** A session, what it was told, and how it ends: the status, 0 where it ends well. */
class Session {
  readonly stream: Any;
  readonly told: Any[] = [];
  readonly ended: Promise<Any>;
  onEvent: (event: Any) => void = () => {};

  constructor(client: Any, options: object = {}) {
    this.stream = client.CallSession(keyMetadata(), options);
    this.stream.on('error', () => {});
    this.stream.on('data', (event: Any) => {
      this.told.push(event);
      this.onEvent(event);
    });
    this.ended = new Promise((resolve) => this.stream.on('status', resolve));
  }

  say(...messages: object[]): this {
    for (const message of messages) this.stream.write(message);
    return this;
  }

  of(id: string): Any[] {
    return this.told.filter((one) => one.id === id).map(({ event }) => event);
  }

  last(id: string): Any {
    return this.of(id).at(-1);
  }
}

describe('a session of gRPC', () => {
  let gateway: TestGateway;
  let client: Any;

  before(async () => {
    const tools = [fixture('basic-tools'), fixture('mcp-tools')];
    gateway = await startGateway({ grpc: true, minWorkers: 1, maxWorkers: 2, tools });
    client = grpcClient(`127.0.0.1:${gateway.port}`);
  });
  after(async () => {
    client.close();
    await gateway.close();
  });

  const inFlight = async (): Promise<number> => {
    const headers = { 'X-API-Key': 'super-secret' };
    const { workers } = (await (await fetch(`${gateway.url}/stats`, { headers })).json()) as Any;
    return workers.reduce((sum: number, { callsInFlight }: Any) => sum + callsInFlight, 0);
  };

  it('runs several calls, cancels one, refuses an id twice, and ends when they have', async () => {
    const session = new Session(client);
    session.onEvent = ({ id, event }) => {
      if (id !== 'slow') return;
      if (event.event === 'started') session.say({ id: 'slow', cancel: {} });
      else session.stream.end();
    };
    session.say(
      { id: 'slow', call: LONG },
      { id: 'slow', call: echo('twice') },
      { id: 'a', call: { tool: 'count', arguments: '{"n":3}' } },
      { id: '', call: echo('no id') },
    );
    expect((await session.ended).code).to.equal(0);
    expect(session.of('').map(({ error }) => error.code)).to.deep.equal(['duplicate_id', 'invalid_request']);
    expect(session.of('a')[0].event).to.equal('started');
    const chunks = session.of('a').flatMap(({ chunks }) => chunks?.json ?? []);
    expect(chunks).to.deep.equal(['{"i":0}', '{"i":1}', '{"i":2}']);
    expect(session.last('a').event).to.equal('result');
    expect(session.last('slow').error.code).to.equal('cancelled');
  });

  it('tells each call its own end, whatever becomes of the others', async () => {
    const session = new Session(client);
    session.say(
      { id: 'bad', call: { tool: 'echo', arguments: '{"text":7}' } },
      { id: 'none', call: { tool: 'nope' } },
      { id: 'json', call: { tool: 'echo', arguments: '{' } },
      { id: 'late', call: { ...LONG, timeout_ms: 50 } },
      { id: 'good', call: echo('hi') },
      { id: 'many', call: { tool: 'count', arguments: '{"n":20000}', result: 'none' } },
    );
    session.stream.end();
    expect((await session.ended).code).to.equal(0);
    expect(session.last('bad').error.code).to.equal('invalid_arguments');
    expect(session.last('none').error.code).to.equal('tool_not_found');
    expect(session.last('json').error.code).to.equal('parse_error');
    expect(session.last('late').error.code).to.equal('deadline_exceeded');
    expect(JSON.parse(session.last('good').result.json)).to.deep.equal({ text: 'hi' });
    let next = 0;
    for (const { chunks } of session.of('many')) {
      if (!chunks) continue;
      expect(chunks.index).to.equal(next);
      next += chunks.json.length;
    }
    expect(next).to.equal(20_000);
    expect(session.last('many').result).to.include({ omitted: true, chunks: 20_000 });
  });

  it('lets an id be used again once its call has ended', async () => {
    const session = new Session(client);
    let ends = 0;
    session.onEvent = ({ event }) => {
      if (event.event !== 'result') return;
      if (++ends < 3) session.say({ id: 'a', call: echo(`${ends}`) });
      else session.stream.end();
    };
    session.say({ id: 'a', call: echo('0') });
    expect((await session.ended).code).to.equal(0);
    const texts = session.of('a').flatMap(({ result }) => (result ? [JSON.parse(result.json).text] : []));
    expect(texts).to.deep.equal(['0', '1', '2']);
  });

  it('brings questions of several calls at a time, and each its own answer', async () => {
    const session = new Session(client);
    let ends = 0;
    session.onEvent = ({ id, event }) => {
      if (event.event === 'result' || event.event === 'error') ends++;
      if (ends === 3) session.stream.end();
      if (event.event !== 'ask') return;
      const { ask, method, params } = event.ask;
      expect(method).to.equal('elicit');
      expect(JSON.parse(params)).to.have.property('message', 'which colour?');
      const colour = { action: 'accept', content: { colour: id } };
      if (id === 'declined') session.say({ id, answer: { ask, error: 'not now' } });
      else session.say({ id, answer: { ask, result: JSON.stringify(colour) } });
    };
    session.say(...['red', 'blue', 'declined'].map((id) => ({ id, call: ASKS })));
    expect((await session.ended).code).to.equal(0);
    for (const id of ['red', 'blue']) expect(session.last(id).result.json).to.include(id);
    expect(session.last('declined').error.message).to.include('not now');
  });

  it('fails the questions of a client that has half-closed, the open ones and those that come', async () => {
    const open = new Session(client);
    open.onEvent = ({ event }) => {
      if (event.event === 'ask') open.stream.end();
    };
    open.say({ id: 'a', call: ASKS });
    const later = new Session(client).say({ id: 'a', call: ASKS });
    later.stream.end();
    for (const session of [open, later]) {
      expect((await session.ended).code).to.equal(0);
      expect(session.last('a').error.message).to.include('half-closed the session');
    }
  });

  it('shrugs at answers that nobody asked for, and takes another for one that is no JSON', async () => {
    const session = new Session(client);
    session.onEvent = ({ id, event }) => {
      if (event.event === 'ask') {
        const { ask } = event.ask;
        session.say({ id, answer: { ask, result: '{' } }, { id: 'nobody', answer: { ask, result: '{' } });
        session.say({ id, answer: { ask: ask + 7, result: '{}' } }, { id: 'nobody', cancel: {} });
        session.say({ id, answer: { ask, result: '{"action":"decline"}' } });
        session.say({ id: 'a' }, { id: 'x'.repeat(129), call: echo('long') });
        session.stream.end();
      }
    };
    session.say({ id: 'a', call: ASKS });
    expect((await session.ended).code).to.equal(0);
    const codes = session.of('').map(({ error }) => error.code);
    expect(codes).to.deep.equal(['parse_error', 'invalid_request', 'invalid_request']);
    expect(session.last('a').result.json).to.include('decline');
  });

  it('ends at ten bad messages in a row, and its calls with it', async () => {
    const session = new Session(client);
    session.onEvent = ({ event }) => {
      if (event.event === 'started') session.say(...Array.from({ length: 10 }, () => ({ id: '' })));
    };
    session.say({ id: 'a', call: LONG });
    expect((await session.ended).code).to.equal(3);
    await eventually(async () => (await inFlight()) === 0);
  });

  it('runs 32 calls at once, and refuses one more by its own id', async () => {
    const session = new Session(client);
    session.say(...Array.from({ length: 33 }, (_, n) => ({ id: `${n}`, call: LONG })));
    await eventually(() => session.last('32') !== undefined);
    expect(session.last('32').error.code).to.equal('overloaded');
    for (let n = 0; n < 32; n++) session.say({ id: `${n}`, cancel: {} });
    session.stream.end();
    expect((await session.ended).code).to.equal(0);
    const ends = Array.from({ length: 32 }, (_, n) => session.last(`${n}`).error.code);
    expect(new Set(ends)).to.deep.equal(new Set(['cancelled']));
  });

  it('cancels its calls when its client goes, and at its deadline', async () => {
    const gone = new Session(client).say({ id: 'a', call: LONG }, { id: 'b', call: LONG });
    await eventually(() => gone.of('b').length > 0);
    gone.stream.cancel();
    await eventually(async () => (await inFlight()) === 0);
    const late = new Session(client, { deadline: Date.now() + 200 }).say({ id: 'a', call: LONG });
    expect((await late.ended).code).to.equal(4);
    await eventually(async () => (await inFlight()) === 0);
  });

  it('fails a call whose message its client would cut, and no other', async () => {
    const session = new Session(client);
    const big = { tool: 'count', arguments: '{"n":60,"pad":100000}', result: 'full' };
    const cut = { tool: 'count', arguments: '{"n":2,"pad":100000}', max_message_bytes: 50_000 };
    session.say({ id: 'result', call: big }, { id: 'chunk', call: cut }, { id: 'good', call: echo('hi') });
    session.stream.end();
    expect((await session.ended).code).to.equal(0);
    expect(session.last('result').error).to.include({ code: 'result_too_large' });
    expect(session.of('result').flatMap(({ chunks }) => chunks?.json ?? [])).to.have.length(60);
    expect(session.last('chunk').error.message).to.match(/a chunk takes a message of \d+ bytes.*50000/);
    expect(session.last('good').event).to.equal('result');
  });
});
