import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
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

/** Says how often its whole heap has been collected, which V8 does not do by itself for one as small as this. */
const STARTS = `
  const { PerformanceObserver, constants } = require('node:perf_hooks');
  const { parentPort } = require('node:worker_threads');
  let times = 0;
  new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries()) if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) times++;
  }).observe({ entryTypes: ['gc'] });
  parentPort.on('message', () => parentPort.postMessage(times));`;

describe('MemoryWatch of threads that have started', () => {
  const collections = async (worker: Worker): Promise<number> => {
    worker.postMessage('how often?');
    const [times] = await once(worker, 'message');
    return times;
  };

  it('lets each give back what its start left behind once it rests, and then rests itself', async () => {
    const [busy, resting] = [new Worker(STARTS, { eval: true }), new Worker(STARTS, { eval: true })];
    expect([await collections(busy), await collections(resting)]).to.deep.equal([0, 0]);
    let looks = 0;
    let isBusy = true;
    const threads = [busy, resting].map((worker) => ({
      threadId: worker.threadId,
      kernelId: null,
      calls: 0,
      isIdleSince: () => worker === resting || !isBusy,
      heldBytes: 0,
    }));
    const watch = new MemoryWatch(
      { heapBytes: 256 * MIB, hardHeapMb: 4096, totalBytes: Number.MAX_SAFE_INTEGER },
      {
        threads() {
          looks++;
          return threads;
        },
        tooLarge: () => expect.fail('no thread is too large'),
      },
    );
    try {
      watch.glance();
      await eventually(async () => (await collections(resting)) > 0);
      expect(await collections(busy), 'one that is busy').to.equal(0);
      isBusy = false;
      await eventually(async () => (await collections(busy)) > 0);
      await eventually(async () => {
        const then = looks;
        await sleep(1500);
        return looks === then;
      });
      const before = await collections(resting);
      watch.wake();
      await sleep(1500);
      expect(await collections(resting), 'once, and not again').to.equal(before);
    } finally {
      watch.close();
      await Promise.all([busy.terminate(), resting.terminate()]);
    }
  }).timeout(60_000);
});
