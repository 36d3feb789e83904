/** The forms of a request's target, and slashes at the end of its path, over raw sockets. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { rawExchange } from '../raw-http.ts';

describe('the target of a request', () => {
  let started: TestGateway;
  before(async () => {
    started = await startGateway({ allowedHosts: ['gateway.example'] });
  });
  after(() => started.close());

  const KEY = 'X-API-Key: super-secret';
  const isWhole = (text: string) =>
    /\r\n\r\n[\s\S]*[}\n]$/.test(text) || /\r\ncontent-length: 0\r\n/i.test(text);
  /** The status of a request without a body. */
  const statusOf = async (line: string, ...headers: string[]) => {
    const head = [line, ...headers, 'Connection: close'].join('\r\n');
    return Number(
      /^HTTP\/1\.1 (\d+) /.exec(await rawExchange(started.port, `${head}\r\n\r\n`, () => false))?.[1],
    );
  };
  const post = (target: string, body: string, ...headers: string[]) => {
    const head = [
      `POST ${target} HTTP/1.1`,
      'Host: localhost',
      KEY,
      'Content-Type: application/json',
      'Accept: application/json, text/event-stream',
      `Content-Length: ${body.length}`,
      ...headers,
    ];
    return rawExchange(started.port, `${head.join('\r\n')}\r\n\r\n${body}`, isWhole);
  };
  const handshake = (target: string, ...more: string[]) => {
    const head = [
      `GET ${target} HTTP/1.1`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      KEY,
      ...more,
    ];
    return rawExchange(started.port, `${head.join('\r\n')}\r\n\r\n`);
  };
  const INITIALIZE = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'raw', version: '1' },
    },
  });

  describe('in absolute form', () => {
    it('is the path of its host, on every route', async () => {
      const { port } = started;
      for (const [target, status] of [
        [`http://localhost:${port}/health`, 200],
        [`HTTP://LOCALHOST/health?verbose=1`, 200],
        ['https://gateway.example/tools', 200],
        ['http://[::1]:8000/stats', 200],
        ['http://localhost', 200],
        ['http://localhost?x=1', 200],
        ['http://localhost/nowhere', 404],
        ['http://localhost//tools', 404],
        ['http://localhost/ws/tools/echo', 426],
      ] as const) {
        expect(await statusOf(`GET ${target} HTTP/1.1`, 'Host: localhost', KEY), target).to.equal(status);
      }
      expect(await post(`http://localhost:${port}/tools/echo`, '{"arguments":{"text":"a"}}')).to.match(
        /^HTTP\/1.1 200 OK/,
      );
      expect(await post('http://localhost/mcp', INITIALIZE)).to.match(/^HTTP\/1.1 200 OK[\s\S]*"serverInfo"/);
    });

    it('names the host that is asked, whatever the Host header says', async () => {
      for (const [target, host, status] of [
        ['http://localhost/health', 'evil.example', 200],
        ['http://evil.example/health', 'localhost', 403],
        ['http://evil.example/tools', 'localhost', 403],
        ['http://evil.example/mcp', 'localhost', 403],
        ['http://localhost.evil.example/health', 'localhost', 403],
        ['http://localhost@evil.example/health', 'localhost', 400],
        ['http://evil@localhost/health', 'localhost', 400],
        ['http:///health', 'localhost', 400],
        ['ftp://localhost/health', 'localhost', 400],
        ['http://local%68ost/health', 'localhost', 403],
        ['http://localhost:99999/health', 'localhost', 403],
      ] as const) {
        expect(await statusOf(`GET ${target} HTTP/1.1`, `Host: ${host}`, KEY), `${target} ${host}`).to.equal(
          status,
        );
      }
      const twice = ['Host: localhost', 'Host: evil.example'];
      expect(await statusOf('GET http://localhost/health HTTP/1.1', ...twice)).to.equal(400);
      expect(await statusOf('GET http://localhost/health HTTP/1.1')).to.equal(400);
      expect(await statusOf('GET http://localhost/health HTTP/1.0')).to.equal(200);
      expect(await statusOf('GET http://evil.example/health HTTP/1.0')).to.equal(403);
    });

    it('decides what a page’s own origin is', async () => {
      const ask = (origin: string) =>
        statusOf('GET http://gateway.example/health HTTP/1.1', 'Host: localhost', `Origin: ${origin}`);
      expect(await ask('http://gateway.example')).to.equal(200);
      expect(await ask('http://localhost')).to.equal(403);
    });

    it('asks for keys as any other', async () => {
      expect(await statusOf('GET http://localhost/tools HTTP/1.1', 'Host: localhost')).to.equal(401);
    });

    it('is taken by WebSocket handshakes', async () => {
      const version = 'Sec-WebSocket-Version: 13';
      const target = `http://localhost:${started.port}/ws/tools/echo`;
      expect(await handshake(target, 'Host: evil.example', version)).to.match(/^HTTP\/1.1 101 /);
      expect(await handshake(`${target}/?api_key=x`, 'Host: localhost', version)).to.match(/^HTTP\/1.1 101 /);
      const evil = await handshake('http://evil.example/ws/tools/echo', 'Host: localhost', version);
      expect(evil).to.match(/^HTTP\/1.1 403 /);
      expect(await handshake('ws://user@localhost/ws/tools/echo', 'Host: localhost', version)).to.match(
        /^HTTP\/1.1 400 /,
      );
    });
  });

  it('is taken without its fragment', async () => {
    for (const target of ['/health#x', '/tools#a?b', '/tools/#', '/?x=1#y', '/#'])
      expect(await statusOf(`GET ${target} HTTP/1.1`, 'Host: localhost', KEY), target).to.equal(200);
    const body = '{"arguments":{"text":"a"}}';
    for (const target of ['/tools/echo#x', '/tools/echo?x#y/stream', 'http://localhost/tools/echo/#/x'])
      expect(await post(target, body), target).to.match(/^HTTP\/1.1 200 OK/);
    expect(await post('/mcp#x', INITIALIZE)).to.match(/^HTTP\/1.1 200 OK[\s\S]*"serverInfo"/);
    const version = 'Sec-WebSocket-Version: 13';
    expect(await handshake('/ws/tools/echo#x', 'Host: localhost', version)).to.match(/^HTTP\/1.1 101 /);
  });

  it('that names a tunnel is refused with an answer', async () => {
    const answer = await rawExchange(
      started.port,
      'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n',
      () => false,
    );
    expect(answer).to.match(/^HTTP\/1.1 405 [\s\S]*\r\nAllow: GET[\s\S]*"code":"method_not_allowed"/);
  });

  describe('with a slash at the end', () => {
    it('is the target without it, on every route', async () => {
      for (const [target, status] of [
        ['/', 200],
        ['/health/', 200],
        ['/health/?x=1/', 200],
        ['/tools/', 200],
        ['/stats/', 200],
        ['/ws/tools/echo/', 426],
        ['/tools/echo/', 405],
        ['/nowhere/', 404],
        ['//', 404],
        ['/tools//', 404],
        ['/health//', 404],
        ['/mcp//', 404],
        ['/tools/echo//', 404],
        ['/tools/echo//stream', 404],
      ] as const) {
        expect(await statusOf(`GET ${target} HTTP/1.1`, 'Host: localhost', KEY), target).to.equal(status);
      }
      for (const target of ['/tools/echo/', '/tools/echo/stream/', '/tools/echo/?x']) {
        expect(await post(target, '{"arguments":{"text":"a"}}'), target).to.match(/^HTTP\/1.1 200 OK/);
      }
      expect(await post('/mcp/', INITIALIZE)).to.match(/^HTTP\/1.1 200 OK[\s\S]*"serverInfo"/);
      expect(await post('/tools/echo//', '{"arguments":{}}')).to.match(/^HTTP\/1.1 404 /);
    });

    it('opens the same WebSocket', async () => {
      const address = `ws://localhost:${started.port}/ws/tools/echo/?api_key=super-secret`;
      const socket = new WebSocket(address);
      await once(socket, 'open');
      socket.send('{"id":1,"arguments":{"text":"a"}}');
      const [first] = await once(socket, 'message');
      expect(JSON.parse(String(first))).to.include({ event: 'started', tool: 'echo' });
      socket.terminate();
      expect(await handshake('/ws/tools/echo//', 'Host: localhost', 'Sec-WebSocket-Version: 13')).to.match(
        /^HTTP\/1.1 404 /,
      );
    });
  });

  describe('of a WebSocket', () => {
    it('is refused with 426 and the version that is spoken, where another is asked for', async () => {
      for (const version of [
        ['Sec-WebSocket-Version: 12'],
        ['Sec-WebSocket-Version: 8'],
        ['Sec-WebSocket-Version: x'],
        [],
      ]) {
        const answer = await handshake('/ws/tools/echo', 'Host: localhost', ...version);
        expect(answer, version.join()).to.match(/^HTTP\/1.1 426 Upgrade Required\r\n/);
        expect(answer)
          .to.contain('\r\nSec-WebSocket-Version: 13\r\n')
          .and.contain('\r\nUpgrade: websocket\r\n')
          .and.contain('\r\nConnection: Upgrade\r\n');
      }
      expect(await statusOf('GET /ws/tools/echo HTTP/1.1', 'Host: localhost', KEY)).to.equal(426);
      // What is wrong before that is told first.
      expect(await handshake('/ws/tools/nope', 'Host: localhost')).to.match(/^HTTP\/1.1 404 /);
      expect(await handshake('/ws/tools/echo', 'Host: evil.example')).to.match(/^HTTP\/1.1 403 /);
    });

    it('is refused with 405 and Allow, where the method is another', async () => {
      const answer = await rawExchange(
        started.port,
        `POST /ws/tools/echo HTTP/1.1\r\nHost: localhost\r\n${KEY}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      );
      expect(answer).to.match(/^HTTP\/1.1 405 [\s\S]*\r\nAllow: GET\r\n/);
    });

    it('is that of a plain request, where HTTP/1.0 offers an upgrade', async () => {
      const answer = await handshake('/ws/tools/echo', 'Host: localhost', 'Sec-WebSocket-Version: 13');
      expect(answer).to.match(/^HTTP\/1.1 101 /);
      const socket = connect(started.port, '127.0.0.1');
      socket.write(
        `GET /ws/tools/echo HTTP/1.0\r\nHost: localhost\r\n${KEY}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
      );
      const [received] = await once(socket, 'data');
      expect(String(received)).to.match(/^HTTP\/1.1 426 /);
      socket.destroy();
    });
  });
});
