/** MCP sessions over two gateways: none of them is the session's. */
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { type Exchange, SECOND, WireClient } from '../transports/mcp/wire-client.ts';
import { missingRedis } from './redis-server.ts';
import { SmallFleet } from './small-fleet.ts';

describe('an MCP session on a fleet', function () {
  this.timeout(60_000);
  let fleet: SmallFleet;
  let here: WireClient;
  let there: WireClient;
  const open: Exchange[] = [];

  before(async function () {
    if (missingRedis() !== undefined) this.skip();
    fleet = await SmallFleet.start();
  });
  after(() => fleet?.close());

  beforeEach(async () => {
    const [one, other] = fleet.urls;
    here = new WireClient(`${one}/mcp`);
    const { status } = await here.initialize('2025-11-25', { elicitation: {} });
    expect(status).to.equal(200);
    there = here.at(`${other}/mcp`);
  });
  afterEach(() => {
    for (const exchange of open.splice(0)) exchange.leave();
  });

  const listen = async (client: WireClient, headers = {}): Promise<Exchange> => {
    const exchange = client.listen(headers);
    open.push(exchange);
    expect((await exchange.head).statusCode).to.equal(200);
    return exchange;
  };

  it('that one gateway has opened goes on at the other', async () => {
    const { status, last } = await there.tool('once', { count: 2 }).done;
    expect(status).to.equal(200);
    expect(last?.result).to.have.property('content');
    const both = await Promise.all([1, 2, 3, 4].map((id) => there.tool('once', { count: 1 }, id).done));
    expect(both.map((reply) => reply.status)).to.deep.equal([200, 200, 200, 200]);
  });

  it('is not there for another key', async () => {
    const stranger = there.at(there.url, SECOND);
    expect((await stranger.tool('once').done).status).to.equal(404);
    expect((await stranger.end().done).status).to.equal(404);
    expect((await stranger.listen().done).status).to.equal(404);
    expect((await there.tool('once').done).status).to.equal(200);
  });

  it('ends on both where it is ended on one', async () => {
    await there.tool('once').done;
    const stream = await listen(here);
    expect((await there.end().done).status).to.equal(200);
    await stream.done;
    expect((await here.tool('once').done).status).to.equal(404);
    expect((await there.tool('once').done).status).to.equal(404);
  });

  it('keeps what the client set elsewhere', async () => {
    expect((await here.call('logging/setLevel', { level: 'debug' }).done).status).to.equal(200);
    await there.tool('once').done;
    await there.call('resources/subscribe', { uri: 'thing://one' }).done;
    const stream = await listen(here);
    await there.tool('change', { uri: 'thing://one' }).done;
    const heard = await stream.message(1);
    expect(heard.method).to.equal('notifications/resources/updated');
    await here.call('resources/unsubscribe', { uri: 'thing://one' }).done;
    await there.tool('change', { uri: 'thing://one' }).done;
    await there.tool('once').done;
    expect(stream.messages).to.have.length(1);
  });

  it('tells at the gateway where the client listens now, and replays what it missed', async () => {
    await here.call('resources/subscribe', { uri: 'thing://one' }).done;
    const first = await listen(here);
    await there.tool('change', { uri: 'thing://one' }).done;
    await first.message(1);
    const second = await listen(there);
    const { lastEventId } = await first.done; // the later stream replaces it
    await here.tool('change', { uri: 'thing://one' }).done;
    await second.message(1);
    second.leave();
    const headers = { 'last-event-id': String(lastEventId) };
    const third = await listen(here, headers);
    expect((await third.message(1)).method).to.equal('notifications/resources/updated');
    await here.tool('change', { uri: 'thing://one' }).done;
    await third.message(2);
    expect(third.messages).to.have.length(2);
  });

  it('answers a question at the gateway that did not ask', async () => {
    const call = here.tool('ask', {}, 7);
    const question = await call.message(1);
    expect(question.method).to.equal('elicitation/create');
    const result = { action: 'accept', content: { colour: 'green' } };
    const answer = await there.post({ jsonrpc: '2.0', id: question.id, result }).done;
    expect(answer.status).to.equal(202);
    const { last } = await call.done;
    expect(JSON.stringify(last?.result)).to.contain('green');
  });

  it('cancels a request that the other gateway has', async () => {
    const call = here.tool('once', { count: 1000, everyMs: 20 }, 9, { progressToken: 1 });
    await call.message(1);
    expect((await there.cancel(9).done).status).to.equal(202);
    const { messages } = await call.done;
    expect(messages.some(({ id }) => id === 9)).to.equal(false);
  });

  it('goes on, where it is known, while Redis is away', async () => {
    await fleet.redis.kill();
    await eventually(async () => (await here.tool('once').done).status !== 0);
    expect((await here.call('ping').done).status).to.equal(200);
    await fleet.redis.start();
    await eventually(async () => (await there.tool('once').done).last?.result !== undefined);
  });
});
