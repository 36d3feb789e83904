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
    const held: Buffer[] = [];
    let [grows, grownAt] = [false, 0];
    const watch = new MemoryWatch(
      { heapBytes: null, hardHeapMb: 64, totalBytes: 1 },
      {
        threads() {
          // As the thread that was ended would: this one is it. It has always grown by the time that it is looked at.
          if (grows && performance.now() - grownAt > 90) {
            held.push(Buffer.alloc(20 * MIB, 1));
            grownAt = performance.now();
          }
          return [growing, innocent];
        },
        tooLarge(one) {
          grows = ended.push(one) === 1;
        },
      },
    );
    watch.wake();
    try {
      await eventually(() => ended.length === 1);
      await sleep(1600);
      expect(ended).to.deep.equal([growing]);
      grows = false;
      held.length = 0;
      await eventually(() => ended.length === 2);
      expect(ended[1]).to.equal(innocent);
    } finally {
      watch.close();
    }
  }).timeout(60_000);
});
