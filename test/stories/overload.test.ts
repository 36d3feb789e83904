/** More calls than the gateway takes: the queue is bounded in length and time, and says when to come back. */
import { expect } from 'chai';
import { type GatewayProcess, KEY, startGatewayProcess } from '../support/gateway-process.ts';
import { newMarks, STORY_TOOLS, until } from './marks.ts';
import { TRANSPORTS } from './transports.ts';

describe('story: overload', function () {
  this.timeout(60_000);
  let gateway: GatewayProcess;

  const start = async (queueWait: string) => {
    gateway = await startGatewayProcess({
      args: ['--tools', STORY_TOOLS],
      env: { MIN_WORKERS: '1', MAX_WORKERS: '1', QUEUE_LIMIT: '2', QUEUE_WAIT: queueWait },
    });
  };

  const queueDepth = async () => JSON.parse(await (await fetch(`${gateway.url}/health`)).text()).queue.depth;

  afterEach(async () => {
    expect(await gateway.end()).to.equal(0);
  });

  it('refuses at once what the queue has no place for, with Retry-After, and serves who waits', async () => {
    await start('50');
    const marks = newMarks();
    const running = TRANSPORTS.sse(gateway, 'wait_tool', { mark: marks.file });
    await marks.seen('started');
    const waiting = [
      TRANSPORTS.sse(gateway, 'hold_tool', { ms: 1 }),
      TRANSPORTS.websocket(gateway, 'hold_tool', { ms: 1 }),
    ];
    await until(async () => (await queueDepth()) === 2, 'two waiting calls');
    const refused = await fetch(`${gateway.url}/tools/hold_tool`, {
      method: 'POST',
      headers: { 'X-API-Key': KEY, 'Content-Type': 'application/json' },
      body: JSON.stringify({ arguments: { ms: 1 } }),
    });
    expect(refused.status).to.equal(503);
    expect(Number(refused.headers.get('retry-after'))).to.be.at.least(1);
    expect(JSON.parse(await refused.text())).to.include({ code: 'overloaded', retryable: true });
    running.leave();
    for (const call of waiting) expect((await call.end).code).to.equal(null);
  });

  it('ends a call that has waited too long, before it ran', async () => {
    await start('0.5');
    const marks = newMarks();
    const running = TRANSPORTS.http(gateway, 'wait_tool', { mark: marks.file });
    await marks.seen('started');
    const waiting = TRANSPORTS.http(gateway, 'hold_tool', { ms: 1, mark: marks.file });
    expect((await waiting.end).code).to.equal('overloaded');
    running.leave();
    await marks.seen('aborted');
    expect(marks.count('started')).to.equal(1);
  });
});
