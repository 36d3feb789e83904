/** RETRIES on a fleet: a call that is run again is the same call. */
import { expect } from 'chai';
import { missingRedis } from './redis-server.ts';
import { KEYS, SmallFleet } from './small-fleet.ts';

describe('a call of a fleet that is retried', function () {
  this.timeout(60_000);
  let fleet: SmallFleet;

  before(async function () {
    if (missingRedis() !== undefined) this.skip();
    fleet = await SmallFleet.start({ retries: 1 });
  });
  after(() => fleet?.close());

  for (const path of ['/tools/stumble', '/tools/stumble/stream'])
    it(`ends as its last run did (${path})`, async () => {
      const response = await fetch(`${fleet.urls[0]}${path}`, {
        method: 'POST',
        headers: { 'X-API-Key': KEYS[0] as string, 'Content-Type': 'application/json' },
        body: JSON.stringify({ arguments: { file: fleet.newFile() } }),
      });
      expect(await response.text()).to.contain('up again');
      expect(response.status).to.equal(200);
      const callId = response.headers.get('x-call-id');
      const kept = await fetch(`${fleet.urls[1]}/calls/${callId}`, {
        headers: { 'X-API-Key': KEYS[0] as string },
      });
      // What nobody could come back for is forgotten.
      if (path.endsWith('/stream')) expect(await kept.json()).to.include({ status: 'success' });
    });
});
