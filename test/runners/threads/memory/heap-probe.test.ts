import { once } from 'node:events';
import { Session } from 'node:inspector';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { HeapProbe } from '../../../../lib/runners/threads/memory/heap-probe.ts';
import { bytesTouched } from '../../../../lib/runners/threads/memory/kernel-thread.ts';
import { eventually } from '../../../support/eventually.ts';
import { call, startPool } from '../../../support/start-pool.ts';

const MIB = 1024 * 1024;

/** Holds what it is told to, in MiB, half of it garbage, and then loops without a pause. */
const LOOPS = `
  const { parentPort } = require('node:worker_threads');
  const { readlinkSync } = require('node:fs');
  const keep = [];
  parentPort.once('message', (mib) => {
    for (let at = 0; at < mib; at++) keep.push(new Array(131072).fill(at));
    keep.length /= 2;
    parentPort.postMessage(process.platform === 'linux' ? Number(readlinkSync('/proc/thread-self').split('/').pop()) : null);
    for (;;) ;
  });`;

describe('HeapProbe', () => {
  it('tells the heaps of threads that loop, each by its own number, and makes them collect', async () => {
    expect(HeapProbe.isAvailable()).to.equal(true);
    const workers = [8, 64, 24].map((mib) => ({ mib, worker: new Worker(LOOPS, { eval: true }) }));
    const probe = HeapProbe.shared;
    const kernelIds = workers.map(async ({ mib, worker }) => {
      worker.postMessage(mib);
      const [id] = await once(worker, 'message');
      return id as number | null;
    });
    const ids = await Promise.all(kernelIds);
    for (const { mib, worker } of workers) {
      const used = await probe.used(worker.threadId);
      expect(used, `${mib} MiB`).to.be.within(mib * MIB, (mib + 16) * MIB);
    }
    for (const { mib, worker } of workers)
      expect(await probe.collect(worker.threadId)).to.be.within((mib / 2) * MIB, (mib / 2 + 8) * MIB);
    const [small, large] = ids.map(bytesTouched);
    if (typeof small === 'number' && typeof large === 'number') expect(large - small).to.be.above(40 * MIB);
    const left = probe.used(workers[0]?.worker.threadId ?? 0);
    await Promise.all(workers.map(({ worker }) => worker.terminate()));
    expect(await left).to.satisfy((used: number | null) => used === null || used > 0);
    expect(await probe.used(12345)).to.equal(null);
  });

  it('makes a thread give its memory back when its event loop turns, and asks none that is not there', async () => {
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads');
       let keep = Array.from({ length: 32 }, () => new Array(131072).fill(1));
       parentPort.on('message', () => { keep = null; parentPort.postMessage('dropped'); });
       parentPort.postMessage('runs');`,
      { eval: true },
    );
    await once(worker, 'message');
    const probe = HeapProbe.shared;
    try {
      expect(await probe.shrink(worker.threadId)).to.be.within(32 * MIB, 40 * MIB);
      worker.postMessage('drop');
      await once(worker, 'message');
      expect(await probe.shrink(worker.threadId)).to.be.below(8 * MIB);
      expect(await probe.shrink(12345)).to.equal(null);
    } finally {
      await worker.terminate();
    }
  });

  it('takes hold of the threads once for all: beside one that begins or ends, that takes the process down', async () => {
    const pools = [await startPool({}, ['faulty-tools'])];
    const { post } = Session.prototype;
    const told: string[] = [];
    Session.prototype.post = function (this: Session, ...args: unknown[]) {
      told.push(String(args[0]));
      return Reflect.apply(post, this, args);
    };
    try {
      pools.push(await startPool({}, ['faulty-tools']));
      for (const pool of pools) {
        const end = await call(pool, 'misbehave', { how: 'exit' }).outcome();
        expect(end.type === 'error' && end.error.code).to.equal('worker_crashed');
        // Between two calls all rests.
        await eventually(() => told.filter((method) => method.endsWith('sendMessageToWorker')).length > 1);
        expect(told).not.to.include('NodeWorker.enable');
        told.length = 0;
      }
    } finally {
      Session.prototype.post = post;
      for (const pool of pools) await pool.close();
    }
  });
});
