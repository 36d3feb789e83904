/** Threads come with the load; and while all of them spin the gateway itself goes on answering. */
import { expect } from 'chai';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { call as callPool, startPool } from '../support/start-pool.ts';
import { newMarks, STORY_TOOLS, until } from './marks.ts';
import { TRANSPORTS, type TransportCall } from './transports.ts';

describe('story: load', function () {
  this.timeout(90_000);
  let gateway: GatewayProcess;
  let calls: TransportCall[] = [];

  const workers = async () => JSON.parse(await (await fetch(`${gateway.url}/health`)).text()).workers;

  before(async () => {
    gateway = await startGatewayProcess({
      args: ['--tools', STORY_TOOLS, '--built-ins', 'on'],
      env: { MIN_WORKERS: '1', MAX_WORKERS: '4', CANCEL_GRACE: '0.2' },
    });
  });

  afterEach(async () => {
    for (const call of calls) call.leave();
    await Promise.all(calls.map(({ end }) => end));
    calls = [];
  });

  after(async () => {
    expect(await gateway.end()).to.equal(0);
  });

  it('starts threads up to its limit, and keeps one for shared tools', async () => {
    expect(await workers()).to.include({ min: 1, max: 4 });
    const marks = newMarks();
    calls = Array.from({ length: 5 }, () => TRANSPORTS.sse(gateway, 'wait_tool', { mark: marks.file }));
    await until(() => marks.count('started') === 3, 'three exclusive calls to run');
    expect((await TRANSPORTS.http(gateway, 'journeys_tool', { action: 'stats' }).end).code).to.equal(null);
    await until(async () => {
      const { alive, busy } = await workers();
      return alive === 4 && busy === 3;
    }, 'four threads, three of them busy');
  });

  it('gives threads back that were idle for a while, down to its minimum', async () => {
    // The gateway waits 30 s for that; its pool, asked directly, less.
    const pool = await startPool({ idleMs: 300, minThreads: 1, maxThreads: 4, cancelGraceMs: 20_000 }, [
      'basic-tools',
    ]);
    try {
      const waits = Array.from({ length: 3 }, () => callPool(pool, 'wait_alone', { ms: 60_000 }));
      await until(() => pool.stats().own.summary.workers.busy === 3, 'three busy threads');
      for (const wait of waits) wait.cancel('cancelled');
      await until(() => pool.stats().own.details.pool.scaleDowns >= 2, 'two idle threads to end');
      expect(pool.stats().own.details.pool).to.include({ kills: 0, crashes: 0 });
      await until(() => pool.stats().own.summary.workers.alive === 1, 'one thread');
    } finally {
      await pool.close();
    }
  });

  it('answers /health quickly while every thread that may spins', async () => {
    const marks = newMarks();
    calls = Array.from({ length: 3 }, () => TRANSPORTS.sse(gateway, 'spin_tool', { mark: marks.file }));
    await until(() => marks.count('started') === 3, 'three calls to spin');
    const times: number[] = [];
    for (let n = 0; n < 50; n++) {
      const at = performance.now();
      await workers();
      times.push(performance.now() - at);
    }
    const median = times.sort((a, b) => a - b)[25] ?? Number.NaN;
    console.log(`        /health: median ${median.toFixed(1)} ms, slowest ${times.at(-1)?.toFixed(1)} ms`);
    // A few where nobody else works. Behind a thread that spins it would be as long as that does.
    expect(median).to.be.below(2000);
  });
});
