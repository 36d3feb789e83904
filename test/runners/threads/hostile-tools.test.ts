import { expect } from 'chai';
import type { WorkerPool } from '../../../lib/runners/threads/worker-pool.ts';
import { eventually } from '../../support/eventually.ts';
import { call, startPool } from '../../support/start-pool.ts';

describe('a pool with hostile tools', () => {
  let pool: WorkerPool;
  beforeEach(async () => {
    pool = await startPool({ maxThreads: 1 }, ['basic-tools', 'hostile-tools']);
  });
  afterEach(() => pool.close());

  const attack = async (how: string): Promise<string> => {
    const end = await call(pool, 'attack', { how }).outcome();
    return end.type === 'error' ? end.error.code : 'success';
  };
  /** A call that streams, reports, waits and returns: it needs all the machinery of its thread. */
  const isServed = async (): Promise<void> => {
    expect(await call(pool, 'sum', { n: 4 }).outcome()).to.include({ data: '{"total":10}', chunks: 4 });
  };

  for (const [how, code] of [
    ['throw-proxy', 'tool_failed'],
    ['throw-symbol-message', 'conflict'],
    ['throw-function-as-retryable', 'conflict'],
    ['throw-message-that-throws', 'tool_failed'],
    ['reject-proxy-late', 'worker_crashed'],
  ] as const) {
    it(`ends a call by ${code} when its tool does ${how}`, async () => {
      expect(await attack(how)).to.equal(code);
      await isServed();
    });
  }

  for (const how of ['json', 'promise', 'push', 'map', 'timers', 'object']) {
    it(`replaces a thread whose built-ins a call changed (${how}) before the next call`, async () => {
      expect(await attack(`break-${how}`)).to.equal('success');
      await isServed();
      await isServed();
    });
  }

  for (const how of ['post-null-everywhere', 'catch-ports-that-post', 'forge-hello']) {
    it(`is not harmed through the ports of a thread by ${how}`, async () => {
      await attack(how);
      for (let round = 0; round < 5; round++) await isServed();
      await eventually(() => {
        const { alive, starting } = pool.stats().own.summary.workers;
        return pool.health() === 'ok' && alive === 1 && starting === 0;
      });
    });
  }

  it('runs a call elsewhere when what an earlier call left behind blocks its thread', async () => {
    expect(await attack('spin-after-its-end')).to.equal('success');
    await isServed();
  }).timeout(60_000);

  it('streams what a tool returned for others to iterate', async () => {
    expect(await call(pool, 'iterable').outcome()).to.include({ data: '["a","b"]', chunks: 2 });
  });
});
