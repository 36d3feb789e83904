/** Rates on a fleet: counted once for all gateways. */
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { missingRedis } from './redis-server.ts';
import { SmallFleet } from './small-fleet.ts';

describe('rates on a fleet', function () {
  this.timeout(60_000);
  let fleet: SmallFleet;

  before(async function () {
    if (missingRedis() !== undefined) this.skip();
    fleet = await SmallFleet.start({ rateLimit: 5 });
  });
  after(() => fleet?.close());

  const post = (url: string, key = 'super-secret', path = '/tools/once') =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'X-API-Key': key, 'Content-Type': 'application/json' },
      body: '{"arguments":{"count":1}}',
    });

  it('hold for all gateways together, by key', async () => {
    // Not more than ten windows of a second in which each gateway takes four of five.
    await eventually(async () => {
      await new Promise((resolve) => setTimeout(resolve, 1100));
      const answers = await Promise.all(
        [0, 1].flatMap((at) => [1, 2, 3, 4].map(() => post(fleet.urls[at] ?? ''))),
      );
      const statuses = answers.map(({ status }) => status).sort();
      if (statuses.filter((status) => status === 200).length !== 5) return false;
      expect(statuses.slice(5)).to.deep.equal([429, 429, 429]);
      expect(Number(answers.find(({ status }) => status === 429)?.headers.get('retry-after'))).to.equal(1);
      return true;
    });
    expect((await post(fleet.urls[0], 'second')).status).to.equal(200);
  });

  it('tell a stream by its status', async () => {
    await eventually(async () => {
      const all = [0, 1].flatMap((at) =>
        [1, 2, 3, 4].map(() => post(fleet.urls[at] ?? '', 'super-secret', '/tools/once/stream')),
      );
      const statuses = await Promise.all(all.map(async (answer) => (await answer).status));
      return statuses.includes(429) && statuses.includes(200);
    });
  });

  it('count wrong keys at all gateways together', async () => {
    const statuses: number[] = [];
    for (let at = 0; at < 12; at++) statuses.push((await post(fleet.urls[at % 2] ?? '', 'wrong')).status);
    expect(statuses).to.deep.equal([...Array(10).fill(401), 429, 429]);
  });
});
