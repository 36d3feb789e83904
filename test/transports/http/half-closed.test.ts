/** Clients that close their side and still read, clients that are gone, and those of HTTP/1.0. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { ToolError } from '../../../lib/call/tool-error.ts';
import { eventually } from '../../support/eventually.ts';
import { rawExchange } from '../raw-http.ts';
import { failure, result, type Script } from '../scripted-runner.ts';
import { type Started, startTransports } from '../start-transports.ts';

const scripts: Record<string, Script> = {
  slow: async function* (call) {
    yield { type: 'started' };
    await sleep(600);
    yield result(call.arguments);
  },
  late: async function* () {
    await sleep(600);
    yield failure(new ToolError('overloaded', 'the queue is full'));
  },
  wait: async function* ({ signal }) {
    yield { type: 'started' };
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  },
};

const requestTo = (path: string, version = '1.1', ...more: string[]) => {
  const body = '{"arguments":{"a":1}}';
  const head = [
    `POST ${path} HTTP/${version}`,
    'Host: localhost',
    'X-API-Key: super-secret',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    ...more,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
};
const NDJSON = 'Accept: application/x-ndjson';

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
  const halfClosed = (sent: string) => {
    const socket = open(sent);
    socket.end();
    return text(socket);
  };

  for (const version of ['1.0', '1.1']) {
    it(`gets the answer that it still reads over HTTP/${version}, and no byte more`, async () => {
      const received = await halfClosed(requestTo('/tools/slow', version));
      const [head = '', body = ''] = received.split('\r\n\r\n');
      expect(head).to.match(/^HTTP\/1.1 200 OK\r\nX-Request-Id: /);
      expect(JSON.parse(body)).to.have.deep.property('data', { a: 1 });
      expect(Number(/Content-Length: (\d+)/.exec(head)?.[1])).to.equal(Buffer.byteLength(body));
    });

    it(`gets the stream of events that it still reads over HTTP/${version}`, async () => {
      expect(await halfClosed(requestTo('/tools/slow/stream', version)))
        .to.match(/^HTTP\/1.1 200 OK\r\n/)
        .and.contain('event: result')
        .and.contain('event: done');
    });

    it(`gets the lines that it still reads over HTTP/${version}, each of them JSON`, async () => {
      const received = await halfClosed(requestTo('/tools/slow/stream', version, NDJSON));
      const [head = '', ...rest] = received.split('\r\n\r\n');
      const body = rest.join('\r\n\r\n');
      const lines = body.split('\n').filter((line) => line.trim().startsWith('{'));
      expect(head).to.match(/^HTTP\/1.1 200 OK\r\n/);
      expect(lines.map((line) => JSON.parse(line).event)).to.deep.equal(['started', 'complete']);
    });
  }

  it('gets an error as it gets an answer', async () => {
    const received = await halfClosed(requestTo('/tools/late'));
    expect(received).to.match(/^HTTP\/1.1 503 Service Unavailable\r\nX-Request-Id[\s\S]*"code":"overloaded"/);
  });

  it('gets the answers to all that it asked before, in order', async () => {
    const received = await halfClosed(requestTo('/tools/slow') + requestTo('/tools/slow'));
    expect(received.match(/HTTP\/1.1 200 OK\r\nX-Request-Id/g)).to.have.length(2);
    expect(received.match(/"data":\{"a":1\}/g)).to.have.length(2);
    expect(received).to.match(/^HTTP\/1.1 200/);
  });

  for (const [path, version, ...more] of [
    ['/tools/wait', '1.1'],
    ['/tools/wait', '1.0'],
    ['/tools/wait/stream', '1.1'],
    ['/tools/wait/stream', '1.0'],
    ['/tools/wait/stream', '1.1', NDJSON],
    ['/tools/wait/stream', '1.0', NDJSON],
  ] as const) {
    it(`is found out when it is gone, and its call of ${path} over HTTP/${version} cancelled ${more}`, async () => {
      const socket = open(requestTo(path, version, ...more));
      await eventually(() => started.dispatcher.callsInFlight === 1);
      socket.destroy();
      await eventually(() => started.dispatcher.callsInFlight === 0);
    });
  }
});

describe('a client of HTTP/1.0', () => {
  let started: Started;
  before(async () => {
    started = await startTransports(scripts);
  });
  after(() => started.close());

  const ask = (sent: string, isEnough = (_received: string) => false) =>
    rawExchange(started.port, sent, isEnough);

  it('gets its answer, and the connection is closed behind it', async () => {
    const received = await ask(requestTo('/tools/slow', '1.0'));
    expect(received).to.match(/^HTTP\/1.1 200 OK\r\n[\s\S]*\r\nConnection: close\r\n[\s\S]*"data":\{"a":1\}/);
  });

  it('is told what is missing where it names no host', async () => {
    const received = await ask('GET /health HTTP/1.0\r\n\r\n');
    expect(received)
      .to.match(/^HTTP\/1.1 403 /)
      .and.contain('the request has no Host header; send one');
  });

  it('keeps its connection where it asks for that', async () => {
    const one = requestTo('/tools/slow', '1.0', 'Connection: keep-alive');
    const received = await ask(one + requestTo('/tools/slow', '1.0'));
    expect(received.match(/HTTP\/1.1 200 OK/g)).to.have.length(2);
    expect(received).to.contain('\r\nConnection: keep-alive\r\n').and.contain('\r\nConnection: close\r\n');
  });

  it('gets streams without chunks of transfer, which end with the connection', async () => {
    for (const more of [[], ['Connection: keep-alive'], ['TE: chunked'], ['TE: trailers, chunked', NDJSON]]) {
      const received = await ask(requestTo('/tools/slow/stream', '1.0', ...more));
      const [head = '', body = ''] = received.split('\r\n\r\n');
      expect(head, more.join())
        .to.match(/^HTTP\/1.1 200 OK/)
        .and.match(/\r\nConnection: close/)
        .and.not.match(/transfer-encoding/i);
      expect(body).to.match(more.includes(NDJSON) ? /^\{"event":"started"/ : /^id: /);
      expect(body).to.match(/(\{"status":"complete"\}\n\n|"status":"success".*\n)$/);
    }
  });
});
