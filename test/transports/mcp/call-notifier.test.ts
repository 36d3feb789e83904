import { expect } from 'chai';
import { CallNotifier } from '../../../lib/transports/mcp/calls/call-notifier.ts';
import type { Outlet } from '../../../lib/transports/mcp/outlet.ts';

const CHUNK = 'io.github.mcp-streaming-gateway/chunk';

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

  it('says of each message how much of the call the client has with it, and no more', () => {
    const told: unknown[] = [];
    const { outlet } = collectingOutlet();
    const listening: Outlet = {
      ...outlet,
      send: (text, _again, upTo) => {
        const { items = [] } = Object(JSON.parse(text).params._meta?.[CHUNK]);
        told.push([items, upTo?.seq]);
      },
    };
    const notifier = new CallNotifier('tool', { progressToken: 't' }, listening);
    // Each waits a moment for what may come with it, and goes when the next comes.
    notifier.tell({ type: 'chunks', index: 0, items: ['0'], seq: 1 });
    notifier.tell({ type: 'chunks', index: 1, items: ['1', '2'], seq: 2 });
    notifier.tell({ type: 'progress', progress: 1, total: null, message: '', seq: 4 });
    notifier.tell({ type: 'progress', progress: 2, total: null, message: '', seq: 5 });
    notifier.tell({ type: 'chunks', index: 3, items: ['3'], seq: 6 });
    notifier.tell({ type: 'chunks', index: 4, items: ['4'], seq: 7 });
    notifier.tell({ type: 'log', level: 'info', message: 'm' });
    notifier.stop();
    expect(told).to.deep.equal([
      [[0], 1],
      [[1, 2], 3],
      [[], 4],
      [[3], 6],
      [[4], 7],
    ]);
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
