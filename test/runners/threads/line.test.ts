import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { TerminalEvent } from '../../../lib/call/call-events.ts';
import { claim, takeBack, vacate } from '../../../lib/runners/threads/port/claims.ts';
import type { WorkerPool } from '../../../lib/runners/threads/worker-pool.ts';
import { eventually } from '../../support/eventually.ts';
import { call, startPool } from '../../support/start-pool.ts';

const codeOf = (end: TerminalEvent): string => (end.type === 'error' ? end.error.code : 'success');

describe('claims', () => {
  const words = () => new Int32Array(new SharedArrayBuffer(8));

  it('give a call to who asks first, the thread or the gateway', () => {
    const claims = words();
    expect(claim(claims, 1, 7)).to.equal(true);
    expect(takeBack(claims, 1, 7)).to.equal(false);
    expect(takeBack(claims, 1, 8)).to.equal(true);
    expect(claim(claims, 1, 8)).to.equal(false);
  });

  it('hold for numbers above 32 bits, and for a call that comes back to its place', () => {
    const claims = words();
    const number = 2 ** 32 + 5;
    expect(takeBack(claims, 0, number)).to.equal(true);
    expect(claim(claims, 0, number)).to.equal(false);
    vacate(claims, 0);
    expect(claim(claims, 0, number)).to.equal(true);
    expect(takeBack(claims, 0, number)).to.equal(false);
    vacate(claims, 0);
    expect(takeBack(claims, 0, number)).to.equal(true);
  });
});

describe('exclusive calls in line on a thread', () => {
  let pool: WorkerPool;
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'line-'));
  });
  afterEach(async () => {
    await pool.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const marks = (name: string) =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8').split('ran').length - 1 : 0;
  const turn = (
    args: { spinMs?: number; waitMs?: number; exit?: boolean; mark?: string } = {},
    keyId = 'test',
  ) =>
    call(
      pool,
      'turn',
      { ...args, ...(args.mark === undefined ? {} : { mark: join(folder, args.mark) }) },
      { caller: { keyId, transport: 'http' } },
    );
  /** Until calls wait in line: the tool is known to be quick. On a busy machine it is not at once. */
  const warm = async () => {
    for (let round = 0; round < 1000; round++) {
      const calls = Array.from({ length: 12 }, () => turn());
      const isLine = Math.max(...inFlight()) > 2;
      for (const running of calls) await running.outcome();
      if (isLine) return;
    }
    throw new Error('the tool has never been quick enough for a line');
  };
  const start = async (maxThreads = 2) => {
    pool = await startPool({ minThreads: maxThreads, maxThreads }, ['line-tools']);
    await warm();
  };
  const inFlight = () => pool.stats().own.details.workers.map(({ callsInFlight }) => callsInFlight);

  it('run one after the other, each once, and end in their order', async () => {
    await start();
    const order: number[] = [];
    const calls = Array.from({ length: 20 }, (_, n) => {
      const running = turn({ mark: `m${n}` });
      running.onEnd(() => order.push(n));
      return running;
    });
    const ends = await Promise.all(calls.map((running) => running.outcome()));
    expect(ends.map((end) => end.type === 'result' && end.data)).to.deep.equal(Array(20).fill('{"most":1}'));
    expect(calls.map((_, n) => marks(`m${n}`))).to.deep.equal(Array(20).fill(1));
    expect(new Set(order).size).to.equal(20);
  });

  for (const [how, long] of Object.entries({ holds: { spinMs: 30_000 }, keeps: { waitMs: 30_000 } })) {
    it(`do not wait for one that ${how} its thread long after all`, async () => {
      await start();
      for (let tries = 0, isLine = false; !isLine; tries++) {
        expect(tries).to.be.below(10);
        await warm();
        let hasEnded = false;
        const first = turn(long);
        first.onEnd(() => {
          hasEnded = true;
        });
        const calls = Array.from({ length: 8 }, (_, n) => turn({ mark: `after ${tries} ${n}` }));
        isLine = Math.max(...inFlight()) > 1;
        const ends = await Promise.all(calls.map((running) => running.outcome()));
        expect(hasEnded).to.equal(false);
        expect(ends.map(codeOf)).to.deep.equal(Array(8).fill('success'));
        first.cancel('cancelled');
        expect(codeOf(await first.outcome())).to.equal('cancelled');
        expect(calls.map((_, n) => marks(`after ${tries} ${n}`))).to.deep.equal(Array(8).fill(1));
      }
    });
  }

  it('are told what the one before had to say although the next holds the thread', async () => {
    await start(1);
    const [first, second] = [turn(), turn({ spinMs: 30_000 })];
    let hasEnded = false;
    second.onEnd(() => {
      hasEnded = true;
    });
    expect(codeOf(await first.outcome())).to.equal('success');
    expect(hasEnded).to.equal(false);
    second.cancel('cancelled');
    expect(codeOf(await second.outcome())).to.equal('cancelled');
  });

  it('leave at once when they are cancelled, and never run', async () => {
    await start(1);
    const first = turn({ spinMs: 500 });
    const waiting = Array.from({ length: 2 }, (_, n) => turn({ mark: `m${n}` }));
    for (const running of waiting) running.cancel('cancelled');
    expect(inFlight()).to.deep.equal([1]);
    const later = turn({ mark: 'later' });
    expect(codeOf(await first.outcome())).to.equal('success');
    expect(codeOf(await later.outcome())).to.equal('success');
    expect(pool.stats().own.details.pool.kills).to.equal(0);
    expect([marks('m0'), marks('m1')]).to.deep.equal([0, 0]);
    expect(marks('later')).to.equal(1);
    await eventually(() => inFlight().join() === '0');
  });

  it('run elsewhere, once, when the thread ends before their turn', async () => {
    await start();
    const first = turn({ exit: true });
    const calls = Array.from({ length: 8 }, (_, n) => turn({ mark: `m${n}` }));
    expect(codeOf(await first.outcome())).to.equal('worker_crashed');
    const ends = await Promise.all(calls.map((running) => running.outcome()));
    expect(ends.map(codeOf)).to.deep.equal(Array(8).fill('success'));
    expect(calls.map((_, n) => marks(`m${n}`))).to.deep.equal(Array(8).fill(1));
  });

  it('of another key do not wait behind a line, but take turns with it', async () => {
    await start(1);
    const order: string[] = [];
    const note = (key: string) => {
      const running = turn({}, key);
      running.onEnd(() => order.push(key));
      return running;
    };
    const calls = [turn({ spinMs: 5 }), note('b')];
    for (let n = 0; n < 40; n++) calls.push(note('a'));
    expect(inFlight()).to.deep.equal([1]);
    const ends = await Promise.all(calls.map((running) => running.outcome()));
    expect(new Set(ends.map(codeOf))).to.deep.equal(new Set(['success']));
    expect(order.indexOf('b')).to.be.below(2);
  });
});
