/** Calls that yield in a loop, and the errors that escape them: the context of calls is kept in another way there. */
import { expect } from 'chai';
import type { RunningCall } from '../../../lib/call/running-call.ts';
import type { ToolLogRecord } from '../../../lib/runners/runner.ts';
import type { WorkerPool } from '../../../lib/runners/threads/worker-pool.ts';
import { eventually } from '../../support/eventually.ts';
import { call, eventsOf, startPool } from '../../support/start-pool.ts';

async function firstProgress(running: RunningCall): Promise<void> {
  const events = running[Symbol.asyncIterator]();
  while ((await events.next()).value?.type !== 'progress');
}

describe('a call that yields in a loop', () => {
  let pool: WorkerPool;
  const logged: ToolLogRecord[] = [];
  beforeEach(async () => {
    // A cancelled call is given long: its thread is not to be killed with the calls beside it.
    const grace = { cancelGraceMs: 20_000 };
    pool = await startPool({ minThreads: 1, maxThreads: 1, ...grace }, ['sprinting-tools']);
    logged.length = 0;
    pool.listen({ log: (record) => logged.push(record) });
  });
  afterEach(() => pool.close());

  for (const leaves of ['timer', 'timer-of-timer', 'rejection', 'rejection-later']) {
    it(`ends with worker_crashed when its loop leaves a ${leaves} whose error escapes`, async () => {
      const end = await call(pool, 'sprinting', { leaves, waitMs: 15_000 }).outcome();
      expect(end).to.have.nested.property('error.code', 'worker_crashed');
    });

    it(`is not blamed for the ${leaves} of the call before it`, async () => {
      await call(pool, 'sprinting', { leaves }).outcome();
      const end = await call(pool, 'sprinting', { waitMs: 60 }).outcome();
      expect(end).to.have.property('data', '500');
      await eventually(() => pool.stats().own.summary.workers.restarts === 1);
    });
  }

  it('ends with worker_crashed when its loop leaves a rejection and makes nothing else', async () => {
    const end = await call(pool, 'sprinting', { leaves: 'rejection', hangs: true }).outcome();
    expect(end).to.have.nested.property('error.code', 'worker_crashed');
  });

  it('ends with worker_crashed for its timer after a call that took the ticks of the thread away', async () => {
    expect(await call(pool, 'sprinting', { leaves: 'no-ticks', n: 12 }).outcome()).to.have.property(
      'data',
      '12',
    );
    const end = await call(pool, 'sprinting', { leaves: 'timer', waitMs: 15_000 }).outcome();
    expect(end).to.have.nested.property('error.code', 'worker_crashed');
  });

  it('is not blamed for what another call does when it is cancelled', async () => {
    const running = call(pool, 'sprinting', { leaves: 'harmless-timer', waitMs: 400 });
    await firstProgress(running);
    const other = call(pool, 'sprinting', { leaves: 'abort-listener', hangs: true });
    await firstProgress(other);
    other.cancel('cancelled');
    expect(await running.outcome()).to.have.property('data', '500');
    await eventually(() => pool.stats().own.summary.workers.restarts === 1);
  });

  for (const leaves of ['waiting', 'waiting-microtask'])
    it(`is not blamed for what an ended call does when it lets that go on (${leaves})`, async () => {
      expect(await call(pool, 'sprinting', { leaves }).outcome()).to.have.property('data', '500');
      const end = await call(pool, 'sprinting', { settles: true, waitMs: 20 }).outcome();
      expect(end).to.have.property('data', '500');
      await eventually(() => logged.some(({ message }) => /escaped.*left behind/s.test(message)));
      expect(pool.stats().own.details.pool.crashes).to.equal(0);
    });

  it('is not blamed for what its module does by itself', async () => {
    const end = await call(pool, 'sprinting', { leaves: 'bell', waitMs: 100 }).outcome();
    expect(end).to.have.property('data', '500');
    await eventually(() => logged.some(({ message }) => message.includes('left behind')));
  });

  it('gives every chunk in order, its progress between them, also when others run beside it', async () => {
    const all = await Promise.all(
      Array.from({ length: 4 }, () => eventsOf(call(pool, 'sprinting', { n: 20_000 }))),
    );
    for (const events of all) {
      const items = events.flatMap((event) => (event.type === 'chunks' ? event.items : []));
      const once = Array.from({ length: 20_000 }, (_, i) => `{"i":${i}}`);
      expect(items).to.deep.equal([...once, ...once]);
      expect(events.filter(({ type }) => type === 'progress')).to.have.length(1);
    }
  });

  it('has long batches also where hundreds do so at once', async () => {
    const wide = await startPool({ minThreads: 1, maxThreads: 1, callsPerThread: 300 }, ['sprinting-tools']);
    try {
      const all = await Promise.all(
        Array.from({ length: 300 }, () => eventsOf(call(wide, 'sprinting', { n: 500 }))),
      );
      const batches = all.flat().filter(({ type }) => type === 'chunks');
      const chunks = batches.reduce(
        (sum, event) => sum + (event.type === 'chunks' ? event.items.length : 0),
        0,
      );
      expect(chunks).to.equal(300 * 1000);
      expect(chunks / batches.length).to.be.greaterThan(40);
    } finally {
      await wide.close();
    }
  });

  it('ends at once for a cancel while it waits for its turn, and its thread goes on with the others', async () => {
    const others = Array.from({ length: 3 }, () => call(pool, 'sprinting', { n: 100_000 }));
    const reading = others.map(eventsOf);
    const cancelled = call(pool, 'sprinting', { n: 50_000_000 });
    const events = cancelled[Symbol.asyncIterator]();
    for (let seen = 0; seen < 5; seen++) await events.next();
    cancelled.cancel('cancelled');
    expect(await cancelled.outcome()).to.have.nested.property('error.code', 'cancelled');
    for (const read of await Promise.all(reading)) expect(read.at(-1)).to.include({ type: 'result' });
    await eventually(() => pool.stats().own.summary.workers.busy === 0);
    expect(pool.stats().own.details.pool.crashes).to.equal(0);
    expect(pool.stats().own.summary.workers.restarts).to.equal(0);
  });
});
