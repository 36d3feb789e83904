/** What machines ask for: whether the gateway lives, whether to send it calls, and when to come back. */
import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { eventually } from '../../support/eventually.ts';
import { startGateway } from '../../support/start-gateway.ts';
import { JSON_POST, KEY, startTransports } from '../start-transports.ts';

describe('health for machines', () => {
  it('needs no key, and says the status alone', async () => {
    const { url, close } = await startGateway();
    for (const path of ['/health/live', '/health/ready', '/health/ready/']) {
      const response = await fetch(url + path);
      expect([response.status, await response.json()], path).to.deep.equal([200, { status: 'ok' }]);
      const head = await fetch(url + path, { method: 'HEAD' });
      expect([head.status, await head.text()]).to.deep.equal([200, '']);
      expect((await fetch(url + path, { method: 'POST', headers: KEY })).status).to.equal(405);
      expect((await fetch(url + path, { headers: { Origin: 'https://evil.example' } })).status).to.equal(403);
    }
    const { endpoints } = (await (await fetch(url)).json()) as { endpoints: { path: string }[] };
    expect(endpoints.map(({ path }) => path)).to.include.members(['/health/live', '/health/ready']);
    await close();
  });

  it('is not ready where no thread can take a call, and degraded is ready', async () => {
    for (const [status, code] of [
      ['down', 503],
      ['degraded', 200],
    ] as const) {
      const pages = {
        info: () => ({}),
        health: () => ({ status, more: 1 }),
        stats: () => ({}),
        retryAfterMs: () => 1500,
      };
      const served = await startTransports({}, { pages });
      const ready = await fetch(`${served.url}/health/ready`);
      expect([ready.status, await ready.json()]).to.deep.equal([code, { status }]);
      expect(ready.headers.get('retry-after')).to.equal(code === 503 ? '2' : null);
      expect((await fetch(`${served.url}/health/live`)).status).to.equal(200);
      await served.close();
    }
  });

  it('says while it drains that it lives, is not ready, and how long that takes at most', async () => {
    const { url, gateway, close } = await startGateway();
    const call = gateway.call('count', { n: 1, delayMs: 60_000 });
    const closing = gateway.close({ drainMs: 20_000 });
    const refusals = await Promise.all([
      fetch(`${url}/health/ready`),
      fetch(`${url}/health`),
      fetch(`${url}/tools/echo`, { ...JSON_POST, body: '{"arguments":{"text":"a"}}' }),
      fetch(`${url}/tools/echo/stream`, { ...JSON_POST, body: '{"arguments":{"text":"a"}}' }),
    ]);
    for (const response of refusals) {
      expect(response.status, response.url).to.equal(503);
      expect(Number(response.headers.get('retry-after')), response.url).to.be.within(10, 20);
    }
    expect(await refusals[0]?.json()).to.deep.equal({ status: 'draining' });
    expect(await refusals[2]?.json())
      .to.include({ code: 'unavailable' })
      .and.have.property('retryAfterMs')
      .above(9000);
    const live = await fetch(`${url}/health/live`);
    expect([live.status, await live.json()]).to.deep.equal([200, { status: 'ok' }]);
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/tools/echo`, { headers: KEY });
    const [, refused] = await once(socket, 'unexpected-response');
    expect([refused.statusCode, Number(refused.headers['retry-after']) >= 10]).to.deep.equal([503, true]);
    refused.destroy();
    call.cancel('cancelled');
    await closing;
    await eventually(() =>
      fetch(url).then(
        () => false,
        () => true,
      ),
    );
    await close();
  });
});
