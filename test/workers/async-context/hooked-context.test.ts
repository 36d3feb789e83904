import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';

async function play(scene: string): Promise<unknown[]> {
  const thread = new Worker(new URL('./hooked-context-scenes.js', import.meta.url), { workerData: scene });
  const [seen] = await once(thread, 'message');
  await thread.terminate();
  return seen;
}

describe('hookedContext()', () => {
  it('lets a call sprint that waits for nothing but promises, once a turn, and still knows it', async () => {
    const turn = [true, true, 'first', 'first'];
    expect(await play('plain')).to.deep.equal([...turn, ...turn, ...turn]);
  });

  it('does not let a call sprint in a turn in which a tick was made, nor for another, but in the next', async () => {
    expect(await play('refused')).to.deep.equal([true, true, false]);
  });

  it('lets a call sprint beside another, and knows which of them does what', async () => {
    expect(await play('beside')).to.deep.equal([true, 'first', 'second', 'second', 'first', 'second']);
  });

  it('knows whose a promise of a sprint is, in it and after it', async () => {
    expect(await play('promises')).to.deep.equal(['first', 'first', 'first']);
  });

  it('knows whose a timer of a sprint is, and lets nobody sprint any more', async () => {
    expect(await play('timer')).to.deep.equal(['first', 'first', 'second', true]);
  });

  it('blames nobody for a timer of a sprint in which another call went on', async () => {
    expect(await play('mixed')).to.deep.equal(['first', 'second', null]);
  });
});
