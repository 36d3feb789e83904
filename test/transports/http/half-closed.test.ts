import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { eventually } from '../../support/eventually.ts';
import { result, type Script } from '../scripted-runner.ts';
import { type Started, startTransports } from '../start-transports.ts';

const scripts: Record<string, Script> = {
  slow: async function* (call) {
    yield { type: 'started' };
    await sleep(600);
    yield result(call.arguments);
  },
  wait: async function* ({ signal }) {
    yield { type: 'started' };
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  },
};

const requestTo = (path: string, version = '1.1') => {
  const body = '{"arguments":{"a":1}}';
  const head = [
    `POST ${path} HTTP/${version}`,
    'Host: localhost',
    'X-API-Key: super-secret',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
};

describe('a client that has closed its side of the connection', () => {
  let started: Started;
  before(async () => {
    started = await startTransports(scripts);
  });
  after(() => started.close());

  const open = (sent: string) => {
    const socket = connect({ port: started.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.write(sent);
    return socket;
  };

  it('gets the answer that it still reads, and the connection is closed behind it', async () => {
    const socket = open(requestTo('/tools/slow'));
    socket.end();
    const received = await text(socket);
    expect(received.replaceAll('HTTP/1.1 100 Continue\r\n\r\n', '')).to.match(/^HTTP\/1.1 200 OK/);
    expect(received).to.contain('"data":{"a":1}');
  });

  it('gets the stream of events that it still reads', async () => {
    const socket = open(requestTo('/tools/slow/stream'));
    socket.end();
    expect(await text(socket))
      .to.contain('event: result')
      .and.contain('event: done');
  });

  for (const [path, version] of [
    ['/tools/wait', '1.1'],
    ['/tools/wait', '1.0'],
    ['/tools/wait/stream', '1.1'],
  ] as const) {
    it(`is found out when it is gone, and its call of ${path} over HTTP/${version} cancelled`, async () => {
      const socket = open(requestTo(path, version));
      await eventually(() => started.dispatcher.callsInFlight === 1);
      socket.destroy();
      await eventually(() => started.dispatcher.callsInFlight === 0);
    });
  }
});
