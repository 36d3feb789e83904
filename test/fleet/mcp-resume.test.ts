/** The stream that answers an MCP request, gone on with at a gateway that did not begin it. */
import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { eventually } from '../support/eventually.ts';
import { type Exchange, type Message, WireClient } from '../transports/mcp/wire-client.ts';
import { missingRedis } from './redis-server.ts';
import { HOSTED, SmallFleet } from './small-fleet.ts';

describe('the stream of an MCP request on a fleet', function () {
  this.timeout(60_000);
  let fleet: SmallFleet;
  let here: WireClient;
  let there: WireClient;

  before(async function () {
    if (missingRedis() !== undefined) this.skip();
    fleet = await SmallFleet.start({ drainTimeoutMs: 20_000 });
  });
  after(() => fleet?.close());

  beforeEach(async () => {
    const [one, other] = fleet.urls;
    here = new WireClient(`${one}/mcp`);
    await here.initialize('2025-11-25');
    there = here.at(`${other}/mcp`);
  });

  /** Where it is there, the call that has begun last may end. */
  let until = '';
  const begin = (client: WireClient, id: unknown = 'call') => {
    until = fleet.newFile();
    return client.tool('once', { count: 20, everyMs: 25, until }, id, { progressToken: 'p' });
  };
  const mayEnd = () => writeFileSync(until, '');
  afterEach(mayEnd);
  const goOn = (client: WireClient, lastEventId: string | undefined) =>
    client.listen({ 'last-event-id': String(lastEventId) });

  /** Reads until some messages are there, and goes without a word. */
  async function readSome(exchange: Exchange, messages = 5) {
    await exchange.message(messages);
    exchange.leave();
    const { lastEventId } = await exchange.done;
    return lastEventId;
  }

  const indexesOf = (messages: readonly Message[]): number[] =>
    messages.flatMap(({ params }) => {
      const chunk = params?._meta?.['io.github.mcp-streaming-gateway/chunk'] as unknown as
        | { index: number; items: unknown[] }
        | undefined;
      return chunk ? chunk.items.map((_, at) => chunk.index + at) : [];
    });
  /** Chunks from the first on, without a hole. */
  const expectWhole = (indexes: readonly number[]) => {
    expect(indexes).to.deep.equal(indexes.map((_, at) => at));
    expect(indexes).to.have.length.of.at.least(20);
  };

  it('goes on without a hole, from gateway to gateway, and its answer comes once', async () => {
    const first = begin(here);
    const second = goOn(there, await readSome(first));
    expect((await second.head).statusCode).to.equal(200);
    const third = goOn(here, await readSome(second));
    await third.message(1);
    mayEnd();
    const { last } = await third.done;
    const messages = [...first.messages, ...second.messages, ...third.messages];
    expectWhole(indexesOf(messages));
    const progress = messages.flatMap(({ params }) => (params ? [Number(params['progress'])] : []));
    expect(progress).to.deep.equal([...new Set(progress)].sort((one, other) => one - other));
    expect(messages.filter(({ id }) => id === 'call')).to.deep.equal([last]);
    expect(JSON.stringify(last?.result)).to.contain(`"at":${indexesOf(messages).at(-1)}`);
  });

  it('answers who comes back when the call has ended, and nobody who has the answer', async () => {
    const lastEventId = await readSome(begin(here, 7));
    mayEnd();
    const rest = goOn(there, lastEventId);
    const { last, lastEventId: over } = await rest.done;
    expect(last?.id).to.equal(7);
    const again = await goOn(there, lastEventId).done;
    expect(again.last).to.deep.equal(last);
    const nothing = await goOn(here, over).done;
    expect([nothing.status, nothing.messages]).to.deep.equal([200, []]);
  });

  it('is cancelled where it goes on', async () => {
    const rest = goOn(there, await readSome(begin(here, 9)));
    await rest.message(2);
    expect((await there.cancel(9).done).status).to.equal(202);
    const { messages } = await rest.done;
    expect(messages.some(({ id }) => id === 9)).to.equal(false);
  });

  it('says that it runs again, also to who comes back when it has ended', async () => {
    const second = await fleet.member({ role: 'worker', tools: HOSTED });
    const redis = new Redis(fleet.redis.port, '127.0.0.1');
    const hosts = async () => {
      const ids = await redis.zrange('mg:nodes', 0, -1);
      const texts = await Promise.all(ids.map((id) => redis.get(`mg:n:${id}`)));
      return texts.map((text) => JSON.parse(text ?? '{}')).filter(({ role }) => role === 'worker');
    };
    try {
      await eventually(async () => (await hosts()).length === 2);
      await here.call('logging/setLevel', { level: 'warning' }, 2).done;
      const args = { count: 20, until: fleet.newFile(), everyMs: 25 };
      const first = here.tool('again', args, 'call', { progressToken: 'p' });
      const { headers } = await first.head;
      const callId = String(headers['x-call-id']);
      const lastEventId = await readSome(first);
      const key = `mg:{${callId}}:m`;
      const [had, queue] = await redis.hmget(key, 'h', 'gr');
      const other = (await hosts()).find(({ id }) => id !== had);
      // The one that has it is taken for lost, and the other gets it.
      await redis.hset(key, { h: 'gone', hb: 1 });
      await redis.publish(`mg:h:${other?.id}`, `o\n${callId}\n\n${queue}`);
      await eventually(async () => (await redis.hget(key, 'ep')) === '2');
      writeFileSync(args.until, '');
      await eventually(async () => (await redis.hget(key, 'st')) === 'e');
      const { messages, last } = await goOn(there, lastEventId).done;
      const saysAgain = messages.findIndex(({ params }) => String(params?.['data']).includes('runs again'));
      expect(saysAgain).to.be.at.least(0);
      const before = indexesOf([...first.messages, ...messages.slice(0, saysAgain)]);
      expect(before).to.deep.equal(before.map((_, at) => at));
      expectWhole(indexesOf(messages.slice(saysAgain)));
      expect(last?.id).to.equal('call');
    } finally {
      redis.disconnect();
      await second.close({ drainMs: 0, graceMs: 100 });
    }
  });

  it('is not there for another session of the same key', async () => {
    const lastEventId = await readSome(begin(here));
    const stranger = new WireClient(there.url);
    await stranger.initialize('2025-11-25');
    expect((await goOn(stranger, lastEventId).done).status).to.equal(400);
  });

  it('is sent away by a gateway that goes, and so is the GET stream, with a hint; the tool runs on', async () => {
    const listening = there.listen();
    const text: string[] = [];
    (await listening.head).on('data', (part) => text.push(String(part)));
    const first = begin(there);
    await first.message(3);
    const gone = fleet.gateways[2]?.close();
    const { lastEventId } = await first.done;
    await listening.done;
    mayEnd();
    expect(text.join('')).to.match(/retry: 500\n\n$/);
    const rest = await goOn(here, lastEventId).done;
    expectWhole(indexesOf([...first.messages, ...rest.messages]));
    expect(rest.last?.id).to.equal('call');
    await gone;
    await eventually(async () => (await here.call('ping').done).status === 200);
  });
});
