/** waitForQuiet: at once where it is quiet, when it has become so, and never much longer than it may. */
import { expect } from 'chai';
import { waitForQuiet } from '../../lib/async/wait-for-quiet.ts';

describe('waitForQuiet()', () => {
  it('asks once where it is quiet', async () => {
    let asked = 0;
    await waitForQuiet(() => ++asked > 0, 1000);
    expect(asked).to.equal(1);
  });

  it('asks until it is quiet', async () => {
    let asked = 0;
    await waitForQuiet(() => ++asked === 3, 60_000);
    expect(asked).to.equal(3);
  });

  it('gives up', async () => {
    await waitForQuiet(() => false, 10);
  });
});
