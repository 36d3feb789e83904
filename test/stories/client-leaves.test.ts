/** A client that leaves stops its tool, over every transport; a tool that does not listen loses its thread, and no one else. */
import { expect } from 'chai';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { newMarks, STORY_TOOLS, until } from './marks.ts';
import { TRANSPORT_NAMES, TRANSPORTS } from './transports.ts';

describe('story: a client leaves', function () {
  this.timeout(60_000);
  let gateway: GatewayProcess;

  before(async () => {
    gateway = await startGatewayProcess({ args: ['--tools', STORY_TOOLS], env: { CANCEL_GRACE: '0.3' } });
  });

  after(async () => {
    expect(await gateway.end()).to.equal(0);
  });

  const workers = async () => JSON.parse(await (await fetch(`${gateway.url}/health`)).text()).workers;

  for (const name of TRANSPORT_NAMES) {
    it(`over ${name}: the signal of a tool that listens aborts, and its thread lives on`, async () => {
      const marks = newMarks();
      const { restarts } = await workers();
      const call = TRANSPORTS[name](gateway, 'wait_tool', { mark: marks.file });
      await marks.seen('started');
      const leftAt = performance.now();
      call.leave();
      await marks.seen('aborted');
      console.log(`        stopped after ${(performance.now() - leftAt).toFixed(0)} ms`);
      expect((await call.end).code).to.equal('cut');
      await until(async () => (await workers()).busy === 0, 'the thread to be free');
      expect((await workers()).restarts).to.equal(restarts);
    });

    it(`over ${name}: a tool that spins is ended with its thread, which is replaced`, async () => {
      const marks = newMarks();
      const { restarts } = await workers();
      const call = TRANSPORTS[name](gateway, 'spin_tool', { mark: marks.file });
      await marks.seen('started');
      const leftAt = performance.now();
      call.leave();
      await until(async () => (await workers()).restarts === restarts + 1, 'the thread to be replaced');
      console.log(`        killed after ${(performance.now() - leftAt).toFixed(0)} ms, grace 300`);
      await until(async () => (await workers()).busy === 0, 'the threads to be free');
      expect((await workers()).alive).to.be.at.least(2);
    });
  }
});
