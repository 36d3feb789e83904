/** Tickets on a fleet: one that a gateway gave is good at any, for one call. */
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { missingRedis } from './redis-server.ts';
import { SmallFleet } from './small-fleet.ts';

const KEY = { 'X-API-Key': 'super-secret' };

describe('a ticket on a fleet', function () {
  this.timeout(60_000);
  let fleet: SmallFleet;
  let one: string;
  let other: string;

  before(async function () {
    if (missingRedis() !== undefined) this.skip();
    fleet = await SmallFleet.start();
    [one, other] = fleet.urls;
  });
  after(() => fleet?.close());

  const ticketOf = async (url: string): Promise<string> => {
    const response = await fetch(`${url}/tickets`, { method: 'POST', headers: KEY });
    return ((await response.json()) as { ticket: string }).ticket;
  };
  const stream = (url: string, ticket: string, args: object = {}, headers = {}) => {
    const query = new URLSearchParams({ ticket, arguments: JSON.stringify(args) });
    return fetch(`${url}/tools/reads/stream?${query}`, {
      headers: { accept: 'text/event-stream', ...headers },
    });
  };

  it('is redeemed at the gateway that did not give it', async () => {
    const response = await stream(other, await ticketOf(one), { count: 3 });
    expect(response.status).to.equal(200);
    expect((await response.text()).match(/^event: chunk$/gm)).to.have.length(3);
  });

  it('is good for one call, whoever comes with it', async () => {
    const ticket = await ticketOf(one);
    const first = await stream(other, ticket, { count: 3 });
    const text = await first.text();
    const again = await stream(one, ticket, { count: 3 });
    expect(again.headers.get('x-call-id')).to.equal(first.headers.get('x-call-id'));
    expect(await again.text()).to.equal(text);
    const foreign = await fetch(`${one}/tools/reads/stream`, {
      method: 'POST',
      headers: { ...KEY, 'content-type': 'application/json' },
      body: '{}',
    });
    const id = foreign.headers.get('x-call-id');
    await foreign.text();
    expect((await fetch(`${other}/calls/${id}/events?after=0&ticket=${ticket}`)).status).to.equal(404);
  });

  it('goes on elsewhere where its reader was cut off', async () => {
    const ticket = await ticketOf(one);
    const cut = new AbortController();
    const query = new URLSearchParams({ ticket, arguments: JSON.stringify({ count: 30, everyMs: 30 }) });
    const first = await fetch(`${one}/tools/reads/stream?${query}`, {
      headers: { accept: 'text/event-stream' },
      signal: cut.signal,
    });
    const callId = first.headers.get('x-call-id');
    await first.body?.getReader().read();
    cut.abort();
    const rest = await stream(other, ticket, {}, { 'last-event-id': `${callId}.1` });
    const told = await rest.text();
    expect(rest.status, told).to.equal(200);
    const ids = [...told.matchAll(/^id: [\w-]+\.(\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids[0]).to.equal(2);
    expect(ids.at(-1)).to.equal(32);
  });

  it('is void when nobody gave it, and while Redis is away', async () => {
    expect((await stream(other, 'made-up')).status).to.equal(401);
    const ticket = await ticketOf(one);
    await fleet.redis.kill();
    await eventually(async () => (await stream(other, ticket)).status === 503);
    await fleet.redis.start();
    await eventually(async () => (await stream(other, ticket)).status === 200);
  });
});
