import { expect } from 'chai';
import { CallNotifier } from '../../../lib/transports/mcp/calls/call-notifier.ts';
import type { Outlet } from '../../../lib/transports/mcp/outlet.ts';

/** An outlet that keeps what it is sent and tells of each message. */
function collectingOutlet(isReady = () => true) {
  const sent: string[] = [];
  let tell = () => {};
  const outlet: Outlet = {
    named: () => {},
    open: () => {},
    send: (text) => {
      sent.push(text);
      tell();
    },
    ready: () => (isReady() ? undefined : Promise.resolve()),
    respond: () => {},
    abandon: () => {},
  };
  const next = () =>
    new Promise<void>((resolve) => {
      tell = resolve;
    });
  return { outlet, sent, next };
}

describe('CallNotifier', () => {
  it('gives a silent tool a heartbeat that grows and keeps its total', async () => {
    const { outlet, sent, next } = collectingOutlet();
    const notifier = new CallNotifier('tool', { progressToken: 't' }, outlet, 5);
    notifier.tell({ type: 'progress', progress: 1, total: 3, message: 'one' });
    for (let told = 0; told < 3; told++) await next();
    notifier.stop();
    const [first, ...beats] = sent.map((text) => JSON.parse(text).params);
    expect(first).to.deep.equal({ progressToken: 't', progress: 1, total: 3, message: 'one' });
    expect(beats.every(({ progress, total }) => progress > 1 && progress < 2 && total === 3)).to.equal(true);
    expect(beats[1].progress).to.be.greaterThan(beats[0].progress);
  });

  it('is silent to a client that gave no token', () => {
    const { outlet, sent } = collectingOutlet();
    const notifier = new CallNotifier('tool', {}, outlet, 5);
    notifier.started();
    notifier.tell({ type: 'progress', progress: 1, total: null, message: '' });
    notifier.tell({ type: 'chunks', index: 0, items: ['1'] });
    notifier.tell({ type: 'log', level: 'error', message: 'm' });
    notifier.stop();
    expect(sent).to.deep.equal([]);
  });

  it('sends records from the level that the client asked for', () => {
    const { outlet, sent } = collectingOutlet();
    const notifier = new CallNotifier('tool', { logLevel: 'notice' }, outlet);
    notifier.tell({ type: 'log', level: 'info', message: 'no' });
    notifier.tell({ type: 'log', level: 'warning', message: 'yes', data: '{"n":1}' });
    notifier.stop();
    expect(sent.map((text) => JSON.parse(text))).to.deep.equal([
      {
        jsonrpc: '2.0',
        method: 'notifications/message',
        params: { level: 'warning', logger: 'tool', data: { message: 'yes', data: { n: 1 } } },
      },
    ]);
  });
});
