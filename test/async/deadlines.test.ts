/** What has to end in time, by one timer for all that may take equally long; on a clock of the test's own. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { expect } from 'chai';
import { type Deadline, Deadlines } from '../../lib/async/deadlines.ts';

interface Timer {
  readonly at: number;
  run(): void;
}

describe('Deadlines', () => {
  const { setTimeout, clearTimeout } = globalThis;
  let now: number;
  let timers: Timer[];
  let missed: string[];
  let deadlines: Deadlines<string>;

  /** Moves the clock on, and fires what is due by then a little early, as Node may. */
  const until = (time: number) => {
    for (;;) {
      const next = timers.filter(({ at }) => at - 0.5 <= time).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      timers.splice(timers.indexOf(next), 1);
      now = Math.max(now, Math.min(time, next.at - 0.5));
      next.run();
    }
    now = time;
  };

  beforeEach(() => {
    now = 0;
    timers = [];
    missed = [];
    deadlines = new Deadlines((item, ms) => missed.push(`${item} of ${ms} at ${Math.floor(now)}`));
    Object.assign(globalThis, {
      setTimeout: (run: () => void, ms: number) => {
        const timer = { at: now + ms, run };
        timers.push(timer);
        return timer;
      },
      clearTimeout: (timer: Timer) => {
        timers = timers.filter((one) => one !== timer);
      },
    });
    Object.defineProperty(performance, 'now', { configurable: true, value: () => now });
  });
  afterEach(() => {
    Object.assign(globalThis, { setTimeout, clearTimeout });
    Reflect.deleteProperty(performance, 'now');
  });

  it('are missed in the order in which they are due, never early', () => {
    for (const item of ['a', 'b']) deadlines.set(item, 30);
    deadlines.set('sooner', 10);
    until(9.9);
    expect(missed).to.deep.equal([]);
    until(15);
    deadlines.set('c', 30);
    until(100);
    expect(missed).to.deep.equal(['sooner of 10 at 10', 'a of 30 at 30', 'b of 30 at 30', 'c of 30 at 45']);
  });

  it('are not missed where they are cleared: the first, one between, the last, all', () => {
    const [a, , c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((item) => deadlines.set(item, 10));
    for (const one of [a, c, e, a]) if (one) deadlines.clear(one);
    const alone = deadlines.set('alone', 5);
    deadlines.clear(alone);
    until(100);
    expect(missed).to.deep.equal(['b of 10 at 10', 'd of 10 at 10']);
    if (d) deadlines.clear(d); // which was missed
    expect(timers).to.deep.equal([]);
  });

  it('have one timer for all of one length, for as long as one of them is set', () => {
    const first = deadlines.set('first', 40);
    until(20);
    const second = deadlines.set('second', 40);
    expect(timers.map(({ at }) => at)).to.deep.equal([40]);
    deadlines.clear(first);
    until(50);
    expect(timers.map(({ at }) => Math.floor(at))).to.deep.equal([60]);
    deadlines.clear(second);
    expect(timers).to.deep.equal([]);
    for (const one of Array.from({ length: 100 }, (_, n) => deadlines.set('one', 100 + n)))
      deadlines.clear(one);
    expect(timers).to.deep.equal([]);
  });

  it('come to all the others where one throws', () => {
    deadlines = new Deadlines((item) => {
      missed.push(item);
      if (item === 'a') throw new Error('of a');
    });
    for (const item of ['a', 'b', 'c']) deadlines.set(item, 5);
    expect(() => until(100)).to.throw('of a');
    until(200);
    expect(missed).to.deep.equal(['a', 'b', 'c']);
  });

  it('are told of in the context of whoever made them, whose ever the first was', () => {
    const context = new AsyncLocalStorage<string>();
    const found: unknown[] = [];
    deadlines = context.run('maker', () => new Deadlines(() => found.push(context.getStore())));
    context.run('caller', () => deadlines.set('a', 5));
    deadlines.set('b', 5);
    context.run('timer', () => until(100));
    expect(found).to.deep.equal(['maker', 'maker']);
  });

  it('may be set and cleared by whoever is told of one that is missed', () => {
    const others: Deadline<string>[] = [];
    deadlines = new Deadlines((item) => {
      missed.push(item);
      for (const other of others) deadlines.clear(other);
      if (missed.length < 3) deadlines.set(`after ${item}`, 5);
    });
    deadlines.set('a', 5);
    others.push(deadlines.set('b', 5), deadlines.set('c', 5));
    until(100);
    expect(missed).to.deep.equal(['a', 'after a', 'after after a']);
    expect(timers).to.deep.equal([]);
  });
});
