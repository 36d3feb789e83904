import { availableParallelism } from 'node:os';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { expect } from 'chai';
import { Hearing } from '../../../lib/runners/threads/hearing.ts';
import type { WorkerPool } from '../../../lib/runners/threads/worker-pool.ts';
import { eventually } from '../../support/eventually.ts';
import { call, startPool } from '../../support/start-pool.ts';

function beBusy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe('Hearing', () => {
  it('does not go on while the event loop is busy, and then not before what was posted meanwhile is read', async () => {
    const hearing = new Hearing();
    const begun = performance.now();
    const { port1, port2 } = new MessageChannel();
    let isRead = false;
    port2.on('message', () => {
      isRead = true;
    });
    try {
      beBusy(30);
      port1.postMessage('something');
      const posted = performance.now();
      expect(hearing.upTo(posted)).to.be.at.most(begun);
      beBusy(30);
      expect(hearing.upTo(performance.now())).to.be.at.most(begun);
      for (let turns = 0; hearing.upTo(performance.now()) < posted; turns++) {
        expect(turns).to.be.below(5);
        await turn();
      }
      expect(isRead).to.equal(true);
    } finally {
      port1.close();
    }
  });
});

describe('Hearing, long after it was last asked', () => {
  it('knows that who was given something then has said nothing since', async () => {
    const hearing = new Hearing();
    const asked = performance.now();
    hearing.upTo(asked);
    await sleep(300);
    expect(hearing.upTo(performance.now())).to.be.above(asked + 10);
  });
});

/** How many threads there are at first: as many as calls of quick tools are kept to. */
const PACKED = Math.max(2, availableParallelism());
/** How many calls wait at once. */
const BURST = 20;
/** On a machine that is busy with other things a thread may be blocked indeed. */
const TRIES = 8;

describe('a pool whose exclusive tool is quick', () => {
  let pool: WorkerPool;
  before(async () => {
    pool = await startPool({ minThreads: PACKED, maxThreads: PACKED + BURST, idleMs: 1 }, ['line-tools']);
  });
  after(() => pool.close());

  const figures = () => pool.stats().own.details.pool;
  /** Until it is known to be quick, and there are no more threads than at first. */
  const settle = async () => {
    do for (let n = 0; n < 40; n++) await call(pool, 'turn').outcome();
    while (figures().alive !== PACKED);
  };
  const burst = (size: number) => Array.from({ length: size }, () => call(pool, 'turn'));
  /** How many threads it starts for what `act` does, at the least of all tries. */
  const fewestStarted = async (act: () => Promise<unknown>, enough: number) => {
    let fewest = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < TRIES && fewest > enough; tries++) {
      await settle();
      const before = figures().scaleUps;
      await act();
      fewest = Math.min(fewest, figures().scaleUps - before);
    }
    return fewest;
  };

  it('starts no threads since it has not read for a while what those that it has say', async () => {
    const started = await fewestStarted(async () => {
      const calls = burst(30);
      beBusy(30);
      calls.push(...burst(30));
      for (const running of calls) await running.outcome();
    }, 0);
    expect(started).to.equal(0);
  });

  it('starts as many as have calls that take long after all, and not one for each that waits', async () => {
    const started = await fewestStarted(async () => {
      const long = Array.from({ length: PACKED }, () => call(pool, 'turn', { waitMs: 30_000 }));
      for (const running of burst(BURST)) await running.outcome();
      for (const running of long) running.cancel('cancelled');
      for (const running of long) await running.outcome();
    }, PACKED);
    // A slow machine may lose one for its idleness meanwhile, and need another.
    expect(started).to.be.within(1, 2 * PACKED);
  });
});

describe('a gateway that was busy for as long as the grace of a cancelled call', () => {
  it('kills no thread whose answer it has not read', async () => {
    const pool = await startPool({ minThreads: 1, maxThreads: 1, cancelGraceMs: 200 });
    try {
      const running = call(pool, 'wait', { ms: 60_000 });
      await running[Symbol.asyncIterator]().next();
      running.cancel('cancelled');
      await turn(); // the thread is told
      beBusy(600);
      await eventually(() => pool.stats().own.summary.workers.busy === 0);
      const { pool: figures, workers } = pool.stats().own.details;
      expect(figures.kills).to.equal(0);
      expect(workers.map(({ id }) => id)).to.deep.equal([1]);
    } finally {
      await pool.close();
    }
  });
});
