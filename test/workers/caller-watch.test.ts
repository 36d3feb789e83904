import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { CallerWatch } from '../../workers/intrinsics/caller-watch.ts';

const by = (keyId: string, name = 'tool', isExclusive = true) => ({ name, isExclusive, caller: { keyId } });

describe('CallerWatch', () => {
  let change: string | null;
  let looks: number;
  let left: { what: string; isLasting: boolean } | null;
  let asked: boolean[];
  let handOvers: number;
  let running: string[];
  let timers: (() => void)[];
  let spoilt: string[];
  let watch: CallerWatch;

  beforeEach(() => {
    change = null;
    looks = 0;
    left = null;
    asked = [];
    handOvers = 0;
    running = [];
    timers = [];
    spoilt = [];
    watch = new CallerWatch({
      look: () => {
        looks++;
        return change;
      },
      left: (trustsConnections) => {
        asked.push(trustsConnections);
        return left;
      },
      handedOver: () => handOvers++,
      eachKey: (visit) => running.forEach((keyId) => void visit(keyId)),
      later: (step) => timers.push(step),
      becameMixed: () => undefined,
      spoilt: (reason) => spoilt.push(reason),
    });
  });

  it('never looks, and sets no timer, for one caller', () => {
    for (let round = 0; round < 1000; round++) expect(watch.admits(by('a'), round % 2 === 0)).to.equal('yes');
    expect({ looks, timers: timers.length }).to.deep.equal({ looks: 0, timers: 0 });
  });

  it('looks whenever the thread passes to another caller, and not between calls of one', () => {
    for (const keyId of ['a', 'b', 'b', 'a', 'a', 'c']) watch.admits(by(keyId), true);
    expect(looks).to.equal(3);
  });

  it('refuses every call from the change on, and tells it once with its tool', () => {
    watch.admits(by('a', 'culprit'), true);
    change = 'changed Date.now';
    expect([by('b'), by('a'), by('c')].map((task) => watch.admits(task, true))).to.deep.equal([
      'no',
      'no',
      'no',
    ]);
    expect(spoilt).to.deep.equal(['a call of "culprit" changed Date.now']);
  });

  it('blames no tool where several have run', () => {
    watch.admits(by('a', 'one'), true);
    watch.admits(by('a', 'two'), true);
    change = 'changed Date.now';
    watch.admits(by('b'), true);
    expect(spoilt).to.deep.equal(['a call changed Date.now']);
  });

  it('looks again for the caller of a call that still ran at the last look', () => {
    watch.admits(by('a'), true);
    running = ['a'];
    watch.admits(by('b'), false);
    watch.admits(by('b'), false);
    expect(looks).to.equal(2);
  });

  it('spends no more than its share on looks beside other calls', () => {
    running = ['a', 'b'];
    for (let round = 0; round < 10_000; round++) watch.admits(by(round % 2 === 0 ? 'a' : 'b'), false);
    expect(looks).to.be.within(50, 1000);
  });

  it('looks every 100 ms while several callers use the thread, and rests when nobody does', () => {
    watch.admits(by('a'), true);
    watch.admits(by('b'), true);
    running = ['b'];
    timers.shift()?.();
    expect({ looks, timers: timers.length }).to.deep.equal({ looks: 2, timers: 1 });
    running = [];
    timers.shift()?.();
    timers.shift()?.();
    expect({ looks, timers: timers.length }).to.deep.equal({ looks: 3, timers: 0 });
  });

  it('looks when another caller comes after a timed look that found nothing: what runs on may have come since', () => {
    watch.admits(by('a'), true);
    watch.admits(by('b', 'late'), true);
    timers.shift()?.();
    change = 'changed Date.now';
    expect(watch.admits(by('b'), true)).to.equal('yes');
    expect(watch.admits(by('a'), true)).to.equal('no');
  });

  it('gives what is left a moment to end, and then the thread up', async () => {
    watch.admits(by('a', 'culprit'), true);
    left = { what: 'a port', isLasting: false };
    expect(watch.admits(by('b'), true)).to.equal('not yet');
    left = null;
    expect(watch.admits(by('b'), true)).to.equal('yes');
    expect(handOvers).to.equal(1);
    left = { what: 'a port', isLasting: false };
    await sleep(30);
    for (let ask = 1; ask < 10; ask++) expect(watch.admits(by('a'), true)).to.equal('not yet');
    await sleep(30);
    expect(watch.admits(by('a'), true)).to.equal('no');
    expect(spoilt).to.deep.equal(['a call of "tool" left a port behind']);
  });

  it('waits for nothing that does not end by itself', () => {
    watch.admits(by('a', 'culprit'), true);
    left = { what: 'a timer', isLasting: true };
    expect(watch.admits(by('b'), true)).to.equal('no');
    expect(spoilt).to.deep.equal(['a call of "culprit" left a timer behind']);
  });

  it('asks for what is left where exclusive calls have to do with it, and trusts connections of shared ones', () => {
    const arrivals = [by('a', 'x', false), by('b', 'x', false), by('c'), by('d', 'x', false), by('e')];
    for (const arrival of arrivals) expect(watch.admits(arrival, true)).to.equal('yes');
    expect(asked).to.deep.equal([true, false, true]);
  });

  it('does not ask for what one caller alone leaves', () => {
    left = { what: 'a port', isLasting: false };
    for (let round = 0; round < 5; round++) expect(watch.admits(by('a'), true)).to.equal('yes');
    expect(asked).to.deep.equal([]);
  });
});
