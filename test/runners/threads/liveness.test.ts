/** When a silent thread is stuck, and when it only waits for a processor. */
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { type Pinged, Silences } from '../../../lib/runners/threads/crew/liveness.ts';
import { starvedMs } from '../../../lib/runners/threads/memory/kernel-thread.ts';
import { eventually } from '../../support/eventually.ts';

describe('a silent thread', () => {
  /** Looks once a second, from 1 s to `seconds`. @param starvedPerSecond how much of each second it got no processor. */
  function looked(seconds: number, starvedPerSecond: number, thread = { heardAt: 0, starvedMs: () => 0 }) {
    const silences = new Silences();
    const verdicts: boolean[] = [];
    for (let second = 1; second <= seconds; second++) {
      const before = 7000 + second * starvedPerSecond;
      thread.starvedMs = () => before;
      verdicts.push(silences.isStuck(thread, second * 1000 + 1));
    }
    return verdicts;
  }

  it('is stuck when it has been silent for 5 s', () => {
    expect(looked(5, 0)).to.deep.equal([false, false, false, false, true]);
  });

  it('is not stuck for as long as it gets no processor, and is in the end', () => {
    expect(looked(40, 1000).includes(true)).to.equal(false);
    const half = looked(40, 500).indexOf(true) + 1;
    expect(half).to.be.within(9, 10);
  });

  it('is judged anew once it was heard', () => {
    const silences = new Silences();
    const thread = { heardAt: 0, starvedMs: () => 0 } satisfies Pinged;
    expect(silences.isStuck(thread, 4000)).to.equal(false);
    thread.heardAt = 4500;
    thread.starvedMs = () => 4000; // before it was heard
    expect(silences.isStuck(thread, 9000)).to.equal(false);
    expect(silences.isStuck(thread, 9600)).to.equal(true);
  });

  it('tells the system’s figure of a thread that others keep from the processor', async function () {
    if (process.platform !== 'linux') this.skip();
    this.timeout(60_000);
    // More threads that spin than there are processors, so that some wait.
    const { availableParallelism } = await import('node:os');
    const source = `
      const { readlinkSync } = require('node:fs');
      const { parentPort } = require('node:worker_threads');
      parentPort.postMessage(Number(readlinkSync('/proc/thread-self').split('/').at(-1)));
      for (;;);`;
    const workers = Array.from(
      { length: availableParallelism() + 2 },
      () => new Worker(source, { eval: true }),
    );
    try {
      const ids = await Promise.all(
        workers.map((worker) => new Promise<number>((resolve) => worker.once('message', resolve))),
      );
      await eventually(() => ids.some((id) => (starvedMs(id) ?? 0) > 20));
      expect(starvedMs(ids[0] ?? null, process.pid)).to.be.a('number');
      expect(starvedMs(null)).to.equal(null);
      expect(starvedMs(1, 'self')).to.equal(null);
    } finally {
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
  });
});
