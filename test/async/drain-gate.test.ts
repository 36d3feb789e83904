import { expect } from 'chai';
import { DrainGate } from '../../lib/async/drain-gate.ts';

describe('DrainGate', () => {
  it('lets all who wait go on together, and makes the next ones wait anew', async () => {
    const gate = new DrainGate();
    const order: string[] = [];
    const first = gate.opened();
    expect(gate.opened()).to.equal(first);
    void first.then(() => order.push('first'));
    gate.open();
    const second = gate.opened();
    expect(second).not.to.equal(first);
    void second.then(() => order.push('second'));
    await first;
    await new Promise(setImmediate);
    expect(order).to.deep.equal(['first']);
    gate.open();
    await second;
    expect(order).to.deep.equal(['first', 'second']);
  });

  it('takes no harm from being opened when nobody waits', async () => {
    const gate = new DrainGate();
    gate.open();
    let isOpen = false;
    void gate.opened().then(() => {
      isOpen = true;
    });
    await new Promise(setImmediate);
    expect(isOpen).to.equal(false);
  });
});
