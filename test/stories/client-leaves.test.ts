/** A client that leaves stops its tool, over every transport; a tool that does not listen loses its thread, and no one else. */
import { expect } from 'chai';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { newMarks, STORY_TOOLS, until } from './marks.ts';
import { TRANSPORT_NAMES, TRANSPORTS } from './transports.ts';

describe('story: a client leaves', function () {
  this.timeout(60_000);
  /** One gives a tool all the time that it may need on a busy machine, the other next to none. */
  let patient: GatewayProcess;
  let strict: GatewayProcess;

  before(async () => {
    const start = (grace: string) =>
      startGatewayProcess({ args: ['--tools', STORY_TOOLS], env: { CANCEL_GRACE: grace } });
    [patient, strict] = await Promise.all([start('30'), start('0.3')]);
  });

  after(async () => {
    expect(await Promise.all([patient.end(), strict.end()])).to.deep.equal([0, 0]);
  });

  const workers = async (gateway: GatewayProcess) =>
    JSON.parse(await (await fetch(`${gateway.url}/health`)).text()).workers;

  for (const name of TRANSPORT_NAMES) {
    it(`over ${name}: the signal of a tool that listens aborts, and its thread lives on`, async () => {
      const marks = newMarks();
      const { restarts } = await workers(patient);
      const call = TRANSPORTS[name](patient, 'wait_tool', { mark: marks.file });
      await marks.seen('started');
      const leftAt = performance.now();
      call.leave();
      await marks.seen('aborted');
      console.log(`        stopped after ${(performance.now() - leftAt).toFixed(0)} ms`);
      expect((await call.end).code).to.equal('cut');
      await until(async () => (await workers(patient)).busy === 0, 'the thread to be free');
      expect((await workers(patient)).restarts).to.equal(restarts);
    });

    it(`over ${name}: a tool that spins is ended with its thread, which is replaced`, async () => {
      const marks = newMarks();
      const { restarts } = await workers(strict);
      const call = TRANSPORTS[name](strict, 'spin_tool', { mark: marks.file });
      await marks.seen('started');
      const leftAt = performance.now();
      call.leave();
      await until(async () => (await workers(strict)).restarts === restarts + 1, 'the thread to be replaced');
      console.log(`        killed after ${(performance.now() - leftAt).toFixed(0)} ms, grace 300`);
      await until(async () => (await workers(strict)).busy === 0, 'the threads to be free');
      await until(async () => (await workers(strict)).alive >= 2, 'two threads');
    });
  }
});
