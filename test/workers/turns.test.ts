/** The line of busy tools on one thread. */
import { expect } from 'chai';
import { Turns } from '../../workers/turns.ts';

describe('Turns', () => {
  let endTurn = () => {};
  const way = {
    isAhead: false,
    turnEnd: () =>
      new Promise<void>((resolve) => {
        endTurn = resolve;
      }),
  };
  const open = () => new Turns(way);
  const nextTurn = async () => {
    endTurn();
    await new Promise(setImmediate);
  };

  it('lets the first go on at once, and the others one a turn of the event loop, in the order they came', async () => {
    const turns = open();
    expect(turns.take()).to.equal(undefined);
    const line = [turns.take(), turns.take(), turns.take()];
    const come = () => line.map((turn) => turn?.hasCome);
    expect(come()).to.deep.equal([false, false, false]);
    await nextTurn();
    expect(come()).to.deep.equal([true, false, false]);
    await nextTurn();
    expect(come()).to.deep.equal([true, true, false]);
    expect(turns.areWanted).to.equal(true);
    await nextTurn();
    expect(come()).to.deep.equal([true, true, true]);
    expect(turns.areWanted).to.equal(false);
    expect(turns.take()).to.be.an('object');
    await nextTurn();
    await nextTurn();
    expect(turns.take()).to.equal(undefined);
  });

  it('keeps nobody waiting for one that has left the line', async () => {
    const turns = open();
    turns.take();
    const [stopped, other] = [turns.take(), turns.take()];
    stopped?.begin();
    await stopped?.come;
    expect(other?.hasCome).to.equal(false);
    await nextTurn();
    expect(other?.hasCome).to.equal(true);
  });

  it('lets nobody go on while what has left waits to be taken in', async () => {
    const turns = open();
    turns.take();
    const turn = turns.take();
    way.isAhead = true;
    await nextTurn();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(turn?.hasCome).to.equal(false);
    way.isAhead = false;
    await turn?.come;
    expect(turn?.hasCome).to.equal(true);
  });
});
