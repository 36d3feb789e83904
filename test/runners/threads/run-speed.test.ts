import { expect } from 'chai';
import { RunSpeed } from '../../../lib/runners/threads/run-speed.ts';

describe('RunSpeed', () => {
  it('is quick after a short call, no more after a long one, and again after many short ones', () => {
    const speed = new RunSpeed();
    expect(speed.isQuick).to.equal(false);
    speed.ran(0.1);
    expect(speed.isQuick).to.equal(true);
    speed.ran(500);
    expect(speed.isQuick).to.equal(false);
    for (let call = 0; call < 20; call++) speed.ran(0.1);
    expect(speed.isQuick).to.equal(false);
    for (let call = 0; call < 40; call++) speed.ran(0.1);
    expect(speed.isQuick).to.equal(true);
  });

  it('stays quick after one call that may have had no processor for a while, not after a second', () => {
    const speed = new RunSpeed();
    speed.ran(0.1);
    speed.ran(40);
    expect(speed.isQuick).to.equal(true);
    speed.ran(40);
    expect(speed.isQuick).to.equal(false);
    for (let call = 0; call < 10; call++) speed.ran(0.1);
    expect(speed.isQuick).to.equal(true);
    for (let call = 0; call < 10; call++) speed.ran(3);
    expect(speed.isQuick).to.equal(false);
  });
});
