import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { ownKernelId } from '../../../../lib/runners/threads/memory/kernel-thread.ts';
import { MemoryWatch } from '../../../../lib/runners/threads/memory/memory-watch.ts';
import { eventually } from '../../../support/eventually.ts';

const MIB = 1024 * 1024;

describe('MemoryWatch above MEMORY_LIMIT', () => {
  const thread = (heldBytes: number, kernelId: number | null) => ({
    threadId: null,
    kernelId,
    calls: 1,
    isIdleSince: () => false,
    heldBytes,
  });

  it('ends no other thread while the one that had to go still grows', async function () {
    const kernelId = ownKernelId();
    if (kernelId === null) return this.skip(); // only Linux tells
    const [growing, innocent] = [thread(900 * MIB, kernelId), thread(100 * MIB, null)];
    const ended: object[] = [];
    const watch = new MemoryWatch(
      { heapBytes: null, hardHeapMb: 64, totalBytes: 1 },
      { threads: () => [growing, innocent], tooLarge: (one) => ended.push(one) },
    );
    watch.wake();
    try {
      await eventually(() => ended.length === 1);
      // As the thread that was ended would: this one is it.
      const held: Buffer[] = [];
      for (let step = 0; step < 16; step++) {
        held.push(Buffer.alloc(20 * MIB, 1));
        await sleep(100);
      }
      expect(ended).to.deep.equal([growing]);
      held.length = 0;
      await eventually(() => ended.length === 2);
      expect(ended[1]).to.equal(innocent);
    } finally {
      watch.close();
    }
  }).timeout(60_000);
});
