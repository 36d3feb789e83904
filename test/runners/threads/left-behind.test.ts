/** What one caller's call leaves running on its thread, and what another caller's calls meet of it: nothing. */
import { expect } from 'chai';
import type { WorkerPool } from '../../../lib/runners/threads/worker-pool.ts';
import { HARMLESS, LEFTOVERS } from '../../fixtures/leaving-tools.ts';
import { eventually } from '../../support/eventually.ts';
import { call, startPool } from '../../support/start-pool.ts';

const by = (keyId: string) => ({ caller: { keyId, transport: 'http' } });

/** Where the thread was slow to be looked at, these have ended it, or have had it ended, before. */
const DEADLY = ['a timer that spins', 'a timer that fills the heap', 'an async hook'];

describe('what a call leaves running on its thread', () => {
  let pool: WorkerPool;
  const retired: string[] = [];
  const end = (name: string, args: object, keyId: string) => call(pool, name, args, by(keyId)).outcome();
  const restarts = () => pool.stats().own.summary.workers.restarts;

  before(async () => {
    pool = await startPool({ minThreads: 1, maxThreads: 1 }, ['leaving-tools']);
    pool.listen({ unit: ({ kind, detail }) => kind === 'retired' && retired.push(detail) });
    await end('notice', { ms: 0 }, 'victim');
    await end('notice', { ms: 0 }, 'other');
  });
  after(() => pool.close());

  for (const how of Object.keys(LEFTOVERS))
    it(`meets no call of another caller: ${how}`, async () => {
      const before = restarts();
      retired.length = 0;
      expect(await end('leave', { how }, 'attacker')).to.include({ data: '"done"' });
      expect(await end('notice', { ms: 250 }, 'victim')).to.include({ data: '{"isRight":true}' });
      await eventually(() => restarts() === before + 1, { withinMs: 30_000 });
      if (retired.length > 0 || !DEADLY.includes(how))
        expect(retired[0]).to.match(/^a call of "leave" (left .+ behind|changed .+)$/);
    }).timeout(60_000);

  for (const how of Object.keys(HARMLESS))
    it(`costs no thread where it harms nobody: ${how}`, async () => {
      const before = restarts();
      for (let round = 0; round < 3; round++)
        for (const keyId of ['one', 'another'])
          expect(await end('leave', { how }, keyId)).to.include({ data: '"done"' });
      expect(await end('notice', { ms: 1 }, 'victim')).to.include({ data: '{"isRight":true}' });
      // What ends by itself is given some milliseconds, which on a busy machine may be too few once or twice. Where it did
      // harm, each of the six calls would cost a thread.
      expect(restarts() - before, String(retired.slice(-1))).to.be.at.most(2);
    }).timeout(60_000);

  it('meets an exclusive call of another caller from a shared one too', async () => {
    const before = restarts();
    await end('leave_shared', { how: 'an interval that nothing waits for' }, 'attacker');
    expect(await end('notice', { ms: 250 }, 'victim')).to.include({ data: '{"isRight":true}' });
    await eventually(() => restarts() === before + 1, { withinMs: 30_000 });
  });

  it('is left to calls of the caller who left it', async () => {
    const before = restarts();
    for (let round = 0; round < 3; round++)
      await end('leave', { how: 'a server that nothing waits for' }, 'one');
    expect(restarts() - before).to.be.at.most(1); // for the one who came before
    await end('leave', { how: 'sleep' }, 'one');
    expect(restarts() - before).to.be.at.most(1);
  });

  it('costs no thread where tools of shared calls keep a connection', async () => {
    await end('notice', { ms: 1 }, 'fresh');
    const before = restarts();
    await end('connect_shared', {}, 'one');
    await end('notice', { ms: 1 }, 'two');
    await end('connect_shared', {}, 'three');
    await end('notice', { ms: 1 }, 'four');
    expect(restarts()).to.equal(before);
  });

  it('is told of the garbage collector while its caller has the thread, and no longer', async () => {
    expect(await end('register_finalizer', {}, 'one')).to.include({ data: 'true' });
    expect(await end('collect', {}, 'two')).to.include({ data: 'false' });
    expect(await end('register_finalizer', {}, 'two')).to.include({ data: 'true' });
    expect(await end('collect', {}, 'two')).to.include({ data: 'true' });
  });

  it('is found where it fills the heap while no call runs', async () => {
    const reasons: string[] = [];
    const unlisten = pool.listen({ unit: ({ detail }) => reasons.push(detail) });
    await end('fill_later', {}, 'one');
    await eventually(() => reasons.includes('its heap outgrew WORKER_HEAP_MB'), { withinMs: 40_000 });
    unlisten();
    expect(await end('notice', { ms: 1 }, 'two')).to.include({ data: '{"isRight":true}' });
  }).timeout(60_000);
});
