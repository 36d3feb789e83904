/** Deadlines that need no host: a call ends in time though nobody has begun it. */
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { missingRedis } from './redis-server.ts';
import { SmallFleet } from './small-fleet.ts';

describe('a deadline on a fleet', function () {
  this.timeout(60_000);
  let fleet: SmallFleet;

  before(async function () {
    if (missingRedis() !== undefined) this.skip();
    fleet = await SmallFleet.start({ maxWorkers: 1 });
  });
  after(() => fleet?.close());

  const post = (path: string, args: object, timeoutMs?: number) =>
    fetch(`${fleet.urls[0]}${path}`, {
      method: 'POST',
      headers: { 'X-API-Key': 'super-secret', 'Content-Type': 'application/json' },
      body: JSON.stringify({ arguments: args, ...(timeoutMs === undefined ? {} : { timeoutMs }) }),
    });

  it('holds for a call that waits for a place, and for one that no host is there for', async () => {
    const busy = await post('/tools/once/stream', { count: 1000, everyMs: 20 });
    const waiting = await post('/tools/once', { count: 1 }, 300);
    expect(waiting.status).to.equal(504);
    expect(await waiting.json()).to.have.property('code', 'deadline_exceeded');
    await busy.body?.cancel();
    await fleet.gateways[0]?.close({ drainMs: 0, graceMs: 100 });
    // Until the gateway has heard that the host is gone, the deadline ends it.
    expect((await post('/tools/once', { count: 1 }, 300)).status).to.be.oneOf([503, 504]);
    await eventually(async () => {
      const alone = await post('/tools/once', { count: 1 }, 300);
      return alone.status === 503 && alone.headers.get('retry-after') === '1';
    });
  });
});
