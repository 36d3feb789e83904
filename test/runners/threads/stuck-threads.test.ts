/** Threads in native code, which nothing can end: others take their place, and the pool tells. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { UnitEvent } from '../../../lib/runners/runner.ts';
import { WorkerPool } from '../../../lib/runners/threads/worker-pool.ts';
import { eventually } from '../../support/eventually.ts';
import { type Fifo, makeFifo } from '../../support/fifo.ts';
import { call, eventsOf, startPool, testPool } from '../../support/start-pool.ts';

describe('threads that are stuck in native code', function () {
  this.timeout(60_000);
  let folder: string;
  let fifo: Fifo;
  let pool: WorkerPool;
  const told: UnitEvent[] = [];
  before(function () {
    if (process.platform === 'win32') this.skip();
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stuck-'));
    fifo = makeFifo(folder);
    told.length = 0;
    pool = await startPool({ maxThreads: 1, cancelGraceMs: 50 }, ['stuck-tools']);
    pool.listen({ unit: (event) => told.push(event) });
  });
  afterEach(async () => {
    fifo.release();
    await pool.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const getStuck = async (pool: WorkerPool) => {
    const running = call(pool, 'stuck_in_open', { path: fifo.path });
    const events = running[Symbol.asyncIterator]();
    await eventually(async () => (await events.next()).value?.type === 'chunks');
    const before = pool.stats().own.details.pool.stuck ?? 0;
    running.cancel('cancelled');
    await eventually(() => pool.stats().own.details.pool.stuck === before + 1);
  };
  const nextDoor = async () => (await eventsOf(call(pool, 'next_door'))).at(-1);

  it('are replaced, and told of for as long as they last', async () => {
    expect(pool.stats().own.summary.workers).not.to.have.property('stuck');
    await getStuck(pool);
    expect(await nextDoor()).to.include({ type: 'result', data: '"here"' });
    expect(pool.health()).to.equal('degraded');
    expect(pool.stats().own.summary.workers).to.include({ stuck: 1, alive: 1, max: 1 });
    expect(told.filter(({ kind }) => kind === 'stuck')).to.deep.equal([
      {
        unit: 'thread',
        id: 1,
        kind: 'stuck',
        isTrouble: true,
        detail: 'it is in native code and cannot be ended; another thread has taken its place',
      },
    ]);
    fifo.release();
    await eventually(() => pool.health() === 'ok');
    expect(pool.stats().own.summary.workers).not.to.have.property('stuck');
  });

  it('are no more replaced once there are as many as there may be threads: calls are told so at once', async () => {
    await getStuck(pool);
    await getStuck(pool);
    const end = await nextDoor();
    expect(end).to.have.nested.property('error.code', 'unavailable');
    expect(end)
      .to.have.nested.property('error.message')
      .that.matches(/2 threads are stuck in native code/);
    // A thread that was ended counts until its port has closed.
    await eventually(() => pool.health() === 'down', { what: 'a pool that is down' });
    fifo.release();
    await eventually(async () => (await nextDoor())?.type === 'result');
    await eventually(() => pool.health() === 'ok', { what: 'a pool that is up' });
  });

  it('do not hold up a close', async () => {
    const other = await WorkerPool.start(testPool({ cancelGraceMs: 50 }, ['stuck-tools']));
    await getStuck(other);
    await other.close();
    expect(other.stats().own.details.pool.stuck).to.equal(1);
  });
});
