import { expect } from 'chai';
import { chooseThread, reserveThread, type ThreadLoad } from '../../../lib/runners/threads/thread-choice.ts';

const thread = (calls: number, more: Partial<ThreadLoad> = {}): ThreadLoad => ({
  isOpen: true,
  calls,
  hasExclusive: false,
  lastKey: null,
  ...more,
});
const limits = { callsPerThread: 4, exclusiveThreads: 2, reserved: null, keyId: 'own' };

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

  it('reserves the least busy thread without an exclusive call', () => {
    const threads = [thread(0, { hasExclusive: true }), thread(9), thread(5)];
    expect(reserveThread(threads)).to.equal(threads[2]);
  });
});
