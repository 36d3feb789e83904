import { expect } from 'chai';
import { LibuvWatch } from '../../lib/observe/libuv-watch.ts';
import { eventually } from '../support/eventually.ts';

describe('LibuvWatch', () => {
  it('tells once that the pool does not answer, and once that it does again', async () => {
    const told: string[] = [];
    const asked: (() => void)[] = [];
    const listener = { stalled: () => told.push('stalled'), answers: () => told.push('answers') };
    const watch = new LibuvWatch(listener, (answered) => asked.push(answered), 20);
    await eventually(() => watch.isStalled);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(asked).to.have.length(1);
    expect(told).to.deep.equal(['stalled']);
    asked[0]?.();
    expect(watch.isStalled).to.equal(false);
    expect(told).to.deep.equal(['stalled', 'answers']);
    await eventually(() => asked.length === 2);
    watch.close();
  });

  it('is content while the pool answers', async () => {
    const told: string[] = [];
    let answers = 0;
    const watch = new LibuvWatch(
      { stalled: () => told.push('stalled'), answers: () => told.push('answers') },
      (answered) => {
        answers++;
        answered();
      },
      5,
    );
    await eventually(() => answers >= 5);
    watch.close();
    expect(told).to.deep.equal([]);
    expect(watch.isStalled).to.equal(false);
  });
});
