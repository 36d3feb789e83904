/** What a call costs in Redis: how much it asks, and what it leaves there. */
import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { eventually } from '../support/eventually.ts';
import { missingRedis } from './redis-server.ts';
import { KEYS, SmallFleet } from './small-fleet.ts';

const HEADERS = { 'X-API-Key': KEYS[0] as string, 'Content-Type': 'application/json' };

describe('a call on a fleet', function () {
  this.timeout(60_000);
  let fleet: SmallFleet;
  let redis: Redis;

  before(async function () {
    if (missingRedis() !== undefined) this.skip();
    fleet = await SmallFleet.start();
    redis = new Redis(fleet.redis.port, '127.0.0.1');
  });
  after(async () => {
    redis?.disconnect();
    await fleet?.close();
  });

  const call = async (tool: string, args: object, more: object = {}) => {
    const body = JSON.stringify({ arguments: args, ...more });
    const answer = await fetch(`${fleet.urls[0]}/tools/${tool}`, { method: 'POST', headers: HEADERS, body });
    expect(answer.status).to.equal(200);
    return answer.json() as Promise<{ readonly meta: { readonly callId: string } }>;
  };
  const scriptsRun = async () =>
    Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(await redis.info('commandstats'))?.[1] ?? 0);
  const keysOf = async (what: string) => redis.keys(`mg:${what}`);

  it('that need not wait is told in three scripts: opened, begun, ended', async () => {
    await call('big', { size: 1 });
    await call('big', { size: 1 });
    const calls = 20;
    const scriptsOfAll = async () => {
      const before = await scriptsRun();
      for (let done = 0; done < calls; done++) await call('big', { size: 1 });
      return (await scriptsRun()) - before;
    };
    // The hosts and gateways look after themselves meanwhile, by a few scripts a second: the quickest round tells.
    const rounds: number[] = [];
    do rounds.push(await scriptsOfAll());
    while (Math.min(...rounds) > 3 * calls + 10 && rounds.length < 8);
    expect(Math.min(...rounds)).to.be.within(3 * calls, 3 * calls + 10);
    expect(await redis.keys('{mg}:calls.*:c*')).to.deep.equal([]);
  });

  it('that nobody can come back for leaves nothing behind', async () => {
    await call('big', { size: 1 });
    await eventually(async () => (await keysOf('{*}:*')).length === 0);
    await eventually(async () => (await keysOf('k:*')).length === 0);
  });

  it('that nobody can come back for is in the list of its key at other gateways once it has run for a second', async () => {
    const listed = async () => {
      const { calls } = (await (await fetch(`${fleet.urls[1]}/calls`, { headers: HEADERS })).json()) as {
        readonly calls: readonly { readonly tool: string; readonly status: string }[];
      };
      return calls.map(({ tool, status }) => `${tool} ${status}`);
    };
    const until = fleet.newFile();
    const running = call('again', { until, everyMs: 50 });
    await eventually(async () => (await listed()).includes('again running'));
    writeFileSync(until, '');
    await running;
    await eventually(async () => (await listed()).length === 0);
    await eventually(async () => (await keysOf('k:*')).length === 0);
  });
});
