/** The server below the routes: TLS, time-outs and caps on connections. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get as httpsGet } from 'node:https';
import { connect, createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { listen } from '../../../lib/transports/http/server.ts';
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from '../loopback-certificate.ts';
import { rawExchange } from '../raw-http.ts';
import { result } from '../scripted-runner.ts';
import { KEY, startTransports } from '../start-transports.ts';

const scripts = {
  echo: async function* () {
    yield { type: 'started' } as const;
    yield result('said');
  },
};

/** How often this system has had no room for a connection that a program was to accept, since it started. */
function overflows(): number {
  const [names = [], counts = []] = readFileSync('/proc/net/netstat', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('TcpExt:'))
    .map((line) => line.split(' '));
  return Number(counts[names.indexOf('ListenOverflows')]);
}

describe('the HTTP server', () => {
  it('has room for a thousand connections that come at once', async function () {
    if (process.platform !== 'linux') return void this.skip(); // there only it can be asked what was dropped
    if (Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8')) < 1000) return void this.skip(); // the system has none
    const server = createServer((socket) => socket.end());
    const { port } = await listen(server, '127.0.0.1', 0);
    const before = overflows();
    const sockets = Array.from({ length: 1000 }, () => connect(port, '127.0.0.1').resume());
    try {
      await Promise.all(sockets.map((socket) => once(socket, 'close')));
      expect(overflows() - before, 'of all programs').to.be.below(100);
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });

  it('speaks TLS, over HTTPS and WSS, and then takes its own https origin alone', async () => {
    const served = await startTransports(scripts, { tls: { cert: LOOPBACK_CERTIFICATE, key: LOOPBACK_KEY } });
    const url = served.url.replace('http:', 'https:');
    const statusOf = async (origin: string) => {
      const headers = { ...KEY, Origin: origin };
      const [response] = await once(
        httpsGet(`${url}/tools`, { headers, ca: LOOPBACK_CERTIFICATE }),
        'response',
      );
      response.resume();
      return response.statusCode;
    };
    expect(await statusOf(url)).to.equal(200);
    expect(await statusOf(served.url)).to.equal(403);
    const ws = new WebSocket(`${url.replace('https', 'wss')}/ws/tools/echo`, {
      headers: KEY,
      ca: LOOPBACK_CERTIFICATE,
    });
    await once(ws, 'open');
    ws.send('{"id":1}');
    const [started] = await once(ws, 'message');
    expect(JSON.parse(String(started))).to.include({ event: 'started', id: 1 });
    ws.terminate();
    await served.close();
  });

  it('gives half-sent requests seconds and idle connections more than a load balancer does', async () => {
    const { server, port, close } = await startTransports(scripts);
    const { headersTimeout, requestTimeout, keepAliveTimeout } = server;
    expect([headersTimeout, requestTimeout]).to.deep.equal([10_000, 30_000]);
    expect(keepAliveTimeout).to.be.above(60_000);
    const sockets: Socket[] = [];
    server.on('connection', (socket) => sockets.push(socket));
    const get = 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const answers = await rawExchange(port, get + get, (all) => all.split('HTTP/1.1 200').length > 2);
    expect(answers).to.contain('\r\nKeep-Alive: timeout=65\r\n');
    expect(sockets.map(({ timeout }) => timeout ?? 0)).to.deep.equal([0]); // no timer for each answer
    await close();
  });

  it('rejects when its port is taken', async () => {
    const first = await startTransports(scripts);
    const failure = await startTransports(scripts, { port: first.port }).catch((error) => error);
    expect(failure).to.include({ code: 'EADDRINUSE', port: first.port });
    expect(failure.message)
      .to.match(new RegExp(`^port ${first.port} on 127.0.0.1 is in use`))
      .and.contain(`--port ${first.port + 1} (PORT)`);
    if (process.platform === 'linux') expect(failure.message).to.contain('in use by this process itself;');
    await first.close();
  });

  it('answers bytes that are no request with a problem document too', async () => {
    const served = await startTransports(scripts);
    const chunked = `POST /tools/echo HTTP/1.1\r\nHost: localhost\r\nX-API-Key: super-secret\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const cases = [
      ['\0 garbage\r\n\r\n', 400, 'invalid_request'],
      [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'invalid_request'],
      [`${chunked}zz\r\n`, 400, 'invalid_request'],
      ['GET / HTTP/1.1\r\n\r\n', 403, 'permission_denied'],
      ['GET / HTTP/1.1\r\nHost: localhost\r\nhost: evil.example\r\n\r\n', 400, 'invalid_request'],
    ] as const;
    for (const [text, status, code] of cases) {
      const [head = '', body = ''] = (await rawExchange(served.port, text, (all) => all.endsWith('}'))).split(
        '\r\n\r\n',
      );
      expect(head).to.contain(`HTTP/1.1 ${status} `);
      const [, requestId] = /^X-Request-Id: (\S+)$/m.exec(head) ?? [];
      expect(JSON.parse(body)).to.include({ status, code, requestId });
    }
    await served.close();
  });

  it('writes nothing into a stream that is under way when garbage follows its request', async () => {
    const served = await startTransports({
      wait: async function* ({ signal }) {
        yield { type: 'started' } as const;
        await once(signal, 'abort');
      },
    });
    const socket = connect(served.port, '127.0.0.1');
    const head = 'Host: localhost\r\nX-API-Key: super-secret\r\nContent-Type: application/json';
    socket.write(`POST /tools/wait/stream HTTP/1.1\r\n${head}\r\nContent-Length: 2\r\n\r\n{}`);
    let received = String((await once(socket, 'data'))[0]);
    expect(received).to.match(/^HTTP\/1.1 200 OK/);
    socket.on('data', (part) => {
      received += part;
    });
    socket.on('error', () => {});
    socket.write('garbage\r\n\r\n');
    await once(socket, 'close');
    expect(received).not.to.contain('400 Bad Request');
    await served.close();
  });

  it('serves a request with an expectation that it does not know', async () => {
    const served = await startTransports(scripts);
    const request = 'GET /health HTTP/1.1\r\nHost: localhost\r\nExpect: the-best\r\n\r\n';
    expect(await rawExchange(served.port, request)).to.match(/^HTTP\/1.1 200 OK\r\nX-Request-Id/);
    await served.close();
  });
});
