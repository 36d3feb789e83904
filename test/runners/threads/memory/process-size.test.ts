import { expect } from 'chai';
import { ProcessSize } from '../../../../lib/runners/threads/memory/process-size.ts';

const MIB = 2 ** 20;

describe('ProcessSize', () => {
  it('is what Node says it is, and follows what the process takes', () => {
    const size = new ProcessSize();
    const before = size.read() ?? 0;
    expect(before).to.be.closeTo(process.memoryUsage.rss(), 16 * MIB);
    const taken = Buffer.alloc(128 * MIB, 1);
    expect((size.read() ?? 0) - before).to.be.closeTo(taken.length, 32 * MIB);
    size.close();
    expect(size.read()).to.be.closeTo(process.memoryUsage.rss(), 16 * MIB);
    size.close();
  });
});
