/** A queue that delivers a call which runs: to its own host, and to another. */
import { Queue } from 'bullmq';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { eventually } from '../support/eventually.ts';
import { missingRedis } from './redis-server.ts';
import { HOSTED, SmallFleet } from './small-fleet.ts';

describe('a call of a fleet that is delivered again while it runs', function () {
  this.timeout(60_000);
  let fleet: SmallFleet;

  before(async function () {
    if (missingRedis() !== undefined) this.skip();
    fleet = await SmallFleet.start({ leaseMs: 20_000, maxWorkers: 2 });
    await fleet.member({ role: 'worker', tools: HOSTED, leaseMs: 20_000, maxWorkers: 2 });
  });
  after(() => fleet?.close());

  for (const tool of ['once', 'again'])
    it(`goes on where it is, and no other host begins it (${tool})`, async () => {
      const response = await fetch(`${fleet.urls[0]}/tools/${tool}/stream`, {
        method: 'POST',
        headers: { 'X-API-Key': 'super-secret', 'Content-Type': 'application/json' },
        body: JSON.stringify({ arguments: { count: 60, everyMs: 30 } }),
      });
      const callId = response.headers.get('x-call-id');
      const client = new Redis(fleet.redis.url, { maxRetriesPerRequest: null });
      const queue = new Queue((await client.hget(`mg:{${callId}}:m`, 'gr')) ?? '', {
        connection: client,
        prefix: '{mg}',
      });
      const options = { removeOnComplete: true, removeOnFail: true };
      for (let times = 0; times < 12; times++) await queue.add('call', { c: callId }, options);
      const text = await response.text();
      // The last of the repeats may be looked at after the call has ended.
      await eventually(async () => (await queue.getJobCountByTypes('wait', 'active', 'failed')) === 0, {
        what: 'the delivery of all',
      });
      await queue.close();
      client.disconnect();
      const indexes = [...text.matchAll(/^data: {"index":(\d+)/gm)].map(([, index]) => Number(index));
      expect(indexes).to.deep.equal(Array.from({ length: 60 }, (_, at) => at));
      expect(text).to.contain('{"status":"complete"}').and.not.to.contain('restarted');
    });
});
