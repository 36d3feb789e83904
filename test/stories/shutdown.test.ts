/** SIGTERM and SIGINT: running calls finish or are told, new ones are refused, and the exit code says how it went. */
import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts';
import { newMarks, runs, STORY_TOOLS, until } from './marks.ts';
import { TRANSPORT_NAMES, TRANSPORTS } from './transports.ts';

describe('story: shutdown', function () {
  this.timeout(60_000);

  const start = (env: Record<string, string> = {}) =>
    startGatewayProcess({ args: ['--tools', STORY_TOOLS], env });
  const health = async (gateway: GatewayProcess) =>
    JSON.parse(await (await fetch(`${gateway.url}/health`)).text());

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`on ${signal} lets running calls finish, refuses new ones, and exits with 0`, async () => {
      const gateway = await start();
      const marks = newMarks();
      const letGo = `${marks.file}-let-go`;
      const calls = TRANSPORT_NAMES.map((name) =>
        TRANSPORTS[name](gateway, 'hold_tool', { ms: 20, until: letGo, mark: marks.file }),
      );
      await until(() => marks.count('started') === calls.length, 'all calls to run');
      const ended = gateway.end(signal);
      await until(async () => (await health(gateway)).status === 'draining', 'the drain to begin');
      expect((await TRANSPORTS.http(gateway, 'hold_tool', { ms: 1 }).end).code).to.equal('unavailable');
      writeFileSync(letGo, '');
      for (const call of calls) expect(await call.end).to.deep.include({ code: null, data: { held: 20 } });
      expect(await ended).to.equal(0);
    });
  }

  it('tells calls that outlast the drain that it is unavailable, even one that spins, and exits with 0', async () => {
    const gateway = await start({ DRAIN_TIMEOUT: '2' });
    const marks = newMarks();
    const calls = [
      TRANSPORTS.sse(gateway, 'wait_tool', { mark: marks.file }),
      TRANSPORTS.websocket(gateway, 'spin_tool', { mark: marks.file }),
    ];
    await until(() => marks.count('started') === 2, 'both calls to run');
    const ended = gateway.end();
    for (const call of calls) expect(await call.end).to.deep.include({ code: 'unavailable', chunks: 1 });
    expect(await ended).to.equal(0);
  });

  it('lets tools that outlast the drain clean up: their signal aborts, and they have their grace', async () => {
    const gateway = await start({ DRAIN_TIMEOUT: '2', CANCEL_GRACE: '60' });
    const marks = newMarks();
    const call = TRANSPORTS.sse(gateway, 'clean_tool', { mark: marks.file });
    await marks.seen('started');
    const child = Number(marks.after('child'));
    expect(runs(child)).to.equal(true);
    const at = performance.now();
    const ended = gateway.end();
    expect(await call.end).to.deep.include({ code: 'unavailable', chunks: 1 });
    expect(await ended).to.equal(0);
    expect(performance.now() - at).to.be.below(40_000); // not the whole grace
    expect(marks.count('cleaned up')).to.equal(1);
    await until(() => !runs(child), 'the end of what the tool had started');
  });

  it('exits at once with 1 on a second signal', async () => {
    const gateway = await start({ DRAIN_TIMEOUT: '55' });
    const marks = newMarks();
    const call = TRANSPORTS.sse(gateway, 'wait_tool', { mark: marks.file });
    await marks.seen('started');
    void gateway.end();
    await until(async () => (await health(gateway)).status === 'draining', 'the drain to begin');
    const at = performance.now();
    gateway.child.kill('SIGTERM');
    expect(await gateway.end()).to.equal(1);
    expect(performance.now() - at).to.be.below(40_000); // not the whole drain
    await call.end;
  });
});
