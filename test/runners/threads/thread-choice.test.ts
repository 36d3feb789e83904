import { expect } from 'chai';
import {
  chooseThread,
  MOST_IN_LINE,
  packedRoom,
  reserveThread,
  type ThreadLoad,
} from '../../../lib/runners/threads/thread-choice.ts';

const thread = (calls: number, more: Partial<ThreadLoad> = {}): ThreadLoad => ({
  isOpen: true,
  calls,
  hasExclusive: false,
  lastKey: null,
  hasSlow: false,
  silentSince: 1000,
  takenAt: 1000,
  expectedMs: 0,
  canQueue: false,
  ...more,
});
const limits = {
  callsPerThread: 4,
  exclusiveThreads: 2,
  reserved: null,
  keyId: 'own',
  isQuick: false,
  mayQueue: true,
  packedThreads: 2,
  heardTo: 1000,
};
const quick = { ...limits, isQuick: true };

describe('chooseThread()', () => {
  it('gives a shared call the least busy thread that has room', () => {
    const threads = [thread(3), thread(1), thread(2)];
    expect(chooseThread('shared', threads, limits)).to.equal(threads[1]);
    expect(chooseThread('shared', [thread(4), thread(4)], limits)).to.equal(null);
  });

  it('gives a shared call no thread that is closed, reserved, or held by an exclusive call', () => {
    const reserved = thread(0);
    const threads = [thread(0, { isOpen: false }), thread(1, { hasExclusive: true }), reserved];
    expect(chooseThread('shared', threads, { ...limits, reserved })).to.equal(null);
  });

  it('gives an exclusive call an empty thread only, and no more threads than the limit', () => {
    const idle = thread(0);
    expect(chooseThread('exclusive', [thread(1), idle], limits)).to.equal(idle);
    expect(chooseThread('exclusive', [thread(1)], limits)).to.equal(null);
    const held = thread(1, { hasExclusive: true });
    expect(chooseThread('exclusive', [held, held, idle], limits)).to.equal(null);
  });

  it('gives an exclusive call the thread that its key had last, else one that nobody had', () => {
    const [others, fresh, own] = [thread(0, { lastKey: 'other' }), thread(0), thread(0, { lastKey: 'own' })];
    expect(chooseThread('exclusive', [others, fresh, own, fresh], limits)).to.equal(own);
    expect(chooseThread('exclusive', [others, fresh], limits)).to.equal(fresh);
    expect(chooseThread('exclusive', [others], limits)).to.equal(others);
  });

  it('gives a shared call of a quick tool one of the first threads that answer and have room, else any', () => {
    const threads = [thread(2), thread(1), thread(0), thread(0)];
    expect(chooseThread('shared', threads, quick)).to.equal(threads[1]);
    expect(chooseThread('shared', threads, limits)).to.equal(threads[2]);
    const silent = thread(1, { silentSince: 900 });
    const others = [silent, thread(2), thread(3), thread(0)];
    expect(chooseThread('shared', others, quick)).to.equal(others[1]);
    const besideSlow = [thread(1, { hasSlow: true }), thread(2)];
    expect(chooseThread('shared', besideSlow, quick)).to.equal(besideSlow[1]);
    expect(chooseThread('shared', [thread(4), thread(4), others[3] as ThreadLoad], quick)).to.equal(
      others[3],
    );
  });

  it('lets an exclusive call of a quick tool wait for the threads of others, and not for a call that takes long', () => {
    const many = { ...quick, exclusiveThreads: 9 };
    const [held, long, idle] = [
      thread(1, { hasExclusive: true }),
      thread(1, { hasExclusive: true, takenAt: 900 }),
      thread(0),
    ];
    expect(chooseThread('exclusive', [held, held, idle], many)).to.equal(null);
    expect(packedRoom([held, held, idle], many)).to.equal(0);
    expect(chooseThread('exclusive', [held, long, idle], many)).to.equal(idle);
    expect(packedRoom([held, long, idle], many)).to.equal(1);
    expect(packedRoom([held, held, held], many)).to.equal(0);
    expect(chooseThread('exclusive', [held, held, idle], { ...many, isQuick: false })).to.equal(idle);
  });

  it('lets an exclusive call of a quick tool wait in line behind quick ones of its key', () => {
    const running = { hasExclusive: true, lastKey: 'own', canQueue: true };
    const idle = thread(0);
    const line = thread(1, running);
    expect(chooseThread('exclusive', [idle, line], quick)).to.equal(line);
    for (const other of [
      { lastKey: 'other' },
      { canQueue: false },
      { isOpen: false },
      { hasSlow: true },
      { expectedMs: 1 },
      { takenAt: 0 },
    ])
      expect(chooseThread('exclusive', [idle, thread(1, { ...running, ...other })], quick)).to.equal(idle);
    expect(chooseThread('exclusive', [idle, thread(MOST_IN_LINE, running)], quick)).to.equal(idle);
    expect(chooseThread('exclusive', [idle, line], { ...quick, mayQueue: false })).to.equal(idle);
    expect(chooseThread('exclusive', [idle, line], limits)).to.equal(idle);
  });

  it('reserves the least busy thread without an exclusive call', () => {
    const threads = [thread(0, { hasExclusive: true }), thread(9), thread(5)];
    expect(reserveThread(threads)).to.equal(threads[2]);
  });
});
