import { expect } from 'chai';
import { ProcessSize } from '../../../../lib/runners/threads/memory/process-size.ts';

const MIB = 2 ** 20;

describe('ProcessSize', () => {
  it('is what Node says it is, and follows what the process takes', () => {
    const size = new ProcessSize();
    expect(size.read() ?? 0).to.be.closeTo(process.memoryUsage.rss(), 16 * MIB);
    // Other tests' threads may give theirs back at the same moment: it is seen to follow in one of a few tries.
    const grown = [1, 2, 3, 4, 5].map(() => {
      const before = size.read() ?? 0;
      const taken = Buffer.alloc(128 * MIB, 1);
      return (size.read() ?? 0) - before + (taken.length - 128 * MIB);
    });
    expect(Math.max(...grown)).to.be.closeTo(128 * MIB, 32 * MIB);
    size.close();
    expect(size.read()).to.be.closeTo(process.memoryUsage.rss(), 16 * MIB);
    size.close();
  });
});
