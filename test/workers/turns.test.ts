/** The line of busy tools on one thread, and when they are to stand in it. */
import { expect } from 'chai';
import { Pace } from '../../workers/pace.ts';
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
    const last = turns.take();
    expect(turns.areWanted).to.equal(true);
    last?.begin();
    expect(turns.areWanted).to.equal(false);
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

describe('Pace', () => {
  const ends: string[] = [];
  const settled = Promise.resolve();
  const rests = {
    areOthersWaiting: false,
    busy: (): Promise<void> | undefined => void ends.push('busy'),
    turnEnd: () => {
      ends.push('turn');
      return settled;
    },
  };
  beforeEach(() => {
    ends.length = 0;
    rests.areOthersWaiting = false;
  });

  it('tells of a busy tool once, at its sixteenth yield without a rest', () => {
    const pace = new Pace(rests);
    const at = performance.now();
    for (let i = 0; i < 40; i++) expect(pace.rest(at, undefined)).to.equal(undefined);
    expect(ends).to.deep.equal(['busy']);
  });

  it('lets the event loop turn after 5 ms, whoever waits', () => {
    for (const areOthersWaiting of [false, true]) {
      rests.areOthersWaiting = areOthersWaiting;
      const pace = new Pace(rests);
      expect(pace.rest(performance.now() + 6, undefined)).to.be.instanceOf(Promise);
    }
    expect(ends).to.deep.equal(['turn', 'turn']);
  });

  it('gives way to others after half a millisecond, and asks for no turn again while it has one', async () => {
    rests.areOthersWaiting = true;
    const pace = new Pace({
      ...rests,
      busy: () => {
        ends.push('gave way');
        return settled;
      },
    });
    await pace.rest(performance.now() + 1, undefined);
    pace.rested();
    const at = performance.now() - 1;
    for (let i = 0; i < 40; i++) expect(pace.rest(at, undefined)).to.equal(undefined);
    expect(ends).to.deep.equal(['gave way']);
  });

  it('counts anew after a rest that was not for its turn', async () => {
    const pace = new Pace(rests);
    const early = performance.now() - 1;
    const yieldTimes = (times: number) => {
      for (let i = 0; i < times; i++) expect(pace.rest(early, undefined)).to.equal(undefined);
    };
    yieldTimes(15);
    expect(pace.rest(early, settled), 'waits for its caller').to.equal(settled);
    pace.rested();
    yieldTimes(15);
    await pace.rest(performance.now() + 6, undefined);
    pace.rested();
    yieldTimes(15);
    expect(ends).to.deep.equal(['turn']);
    yieldTimes(1);
    expect(ends).to.deep.equal(['turn', 'busy']);
  });
});
