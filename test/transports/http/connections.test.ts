/** Which connections are closed when there are as many as may be, and who gets in. */
import { EventEmitter, once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { TrustedProxy } from '../../../lib/access/trusted-proxy.ts';
import { ConnectionTable } from '../../../lib/transports/http/connection-table.ts';
import type { GatewayRequest, GatewayResponse } from '../../../lib/transports/http/gateway-message.ts';
import { newTransportMeter } from '../../../lib/transports/rendering/transport-meter.ts';
import { eventually } from '../../support/eventually.ts';
import { rawExchange } from '../raw-http.ts';
import { result, type Script } from '../scripted-runner.ts';
import { KEY, type Started, startTransports } from '../start-transports.ts';

const scripts: Record<string, Script> = {
  echo: async function* () {
    yield { type: 'started' };
    yield result('said');
  },
  wait: async function* ({ signal }) {
    yield { type: 'started' };
    await once(signal, 'abort');
  },
};

const HEALTH = 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n';

describe('the connections of the listening socket', () => {
  let served: Started;
  let arrived = 0;
  const sockets: Socket[] = [];
  const start = async (maxConnections: number) => {
    served = await startTransports(scripts, { maxConnections });
    arrived = 0;
    served.server.on('connection', () => arrived++);
  };
  const open = async (sent = '') => {
    const socket = connect(served.port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => {});
    const before = arrived;
    socket.write(sent);
    await eventually(() => arrived > before);
    return socket.resume();
  };
  const streamOf = (key: string) =>
    `POST /tools/wait/stream HTTP/1.1\r\nHost: localhost\r\nX-API-Key: ${key}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
  const stream = async (key: string) => {
    const running = served.runner.calls.length;
    const socket = connect(served.port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => {});
    socket.write(streamOf(key));
    await eventually(() => served.runner.calls.length > running);
    return socket.resume();
  };
  const statusOf = async (sent: string) => /^HTTP\/1.1 (\d+)/.exec(await rawExchange(served.port, sent))?.[1];
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await served.close();
  });

  it('that have been idle longest are closed for those that come', async () => {
    await start(3);
    const idle = [await open(), await open(), await open()] as const;
    idle[0].write(HEALTH); // and is younger again
    await once(idle[0], 'data');
    expect(await statusOf(HEALTH)).to.equal('200');
    await eventually(() => idle[1].destroyed);
    expect(idle.map(({ destroyed }) => destroyed)).to.deep.equal([false, true, false]);
  });

  it('let in who comes, whatever idles: sockets that say nothing, half a request, WebSockets', async () => {
    await start(16);
    for (let n = 0; n < 12; n++) await open(n % 2 ? 'GET / HTTP/1.1\r\nHost:' : '');
    const clients = Array.from({ length: 8 }, () => {
      const ws = new WebSocket(`${served.url.replace('http', 'ws')}/ws/tools/wait`, { headers: KEY });
      ws.on('error', () => {});
      return ws;
    });
    await Promise.all(clients.map((ws) => once(ws, 'open')));
    const busy = clients[7];
    busy?.send('{"id":1}');
    await eventually(() => served.runner.calls.length === 1);
    const codes: number[] = [];
    for (const ws of clients) ws.on('close', (code) => codes.push(code));
    for (let n = 0; n < 40; n++) expect(await statusOf(HEALTH)).to.equal('200');
    for (let n = 0; n < 40; n++) await open();
    await eventually(() => codes.length === 7);
    expect(new Set(codes)).to.deep.equal(new Set([1013]));
    expect(busy?.readyState).to.equal(WebSocket.OPEN);
    await eventually(() => served.meters.http.connections <= 16 + 8);
    for (const ws of clients) ws.terminate();
  });

  it('in use are kept, and still /health is answered, and a key with fewer gets one of the greediest', async () => {
    await start(3);
    const streams = [
      await stream('super-secret'),
      await stream('super-secret'),
      await stream('super-secret'),
    ];
    expect(await statusOf(HEALTH)).to.equal('200');
    expect(await statusOf(streamOf('super-secret'))).to.equal('503');
    expect(streams.map(({ destroyed }) => destroyed)).to.deep.equal([false, false, false]);
    await stream('second');
    await eventually(() => streams[2]?.destroyed === true);
    expect(streams.map(({ destroyed }) => destroyed)).to.deep.equal([false, false, true]);
  });
});

describe('ConnectionTable', () => {
  let table: ConnectionTable;
  const setUp = (max: number, trustProxy: string[] = [], restMs?: number) => {
    const server = new EventEmitter();
    const proxy = new TrustedProxy(trustProxy);
    const access = { addressOf: (request: IncomingMessage) => proxy.addressOf(request) };
    table = new ConnectionTable({ max, meter: newTransportMeter(), access, ...(restMs && { restMs }) });
    table.watch(server);
    const arrive = (remoteAddress: string) => {
      const socket = Object.assign(new EventEmitter(), { remoteAddress, isDropped: false, destroy });
      function destroy() {
        socket.isDropped = true;
        socket.emit('close');
      }
      server.emit('connection', socket);
      return socket;
    };
    type Arrived = ReturnType<typeof arrive>;
    const ask = (socket: Arrived, forwarded: string, isBusy = false) => {
      const headers = { 'x-forwarded-for': forwarded };
      const response = { shouldKeepAlive: true } as GatewayResponse;
      if (isBusy) Object.assign(socket, { _httpMessage: response });
      table.noteRequest({ socket, headers } as unknown as GatewayRequest, response);
    };
    return { arrive, ask };
  };

  it('closes who has been idle for too long, and nobody who has an answer due or sends something', async () => {
    const { arrive } = setUp(20, [], 65);
    const [idle, busy, sending, upgraded] = Array.from({ length: 4 }, () => arrive('10.0.0.1'));
    Object.assign(busy ?? {}, { _httpMessage: {} });
    let bytesRead = 0;
    Object.defineProperty(sending, 'bytesRead', { get: () => bytesRead++ });
    table.adopt(upgraded as unknown as Socket, {
      keyId: '',
      isIdle: () => true,
      end: () => upgraded?.destroy(),
    });
    await eventually(() => idle?.isDropped);
    expect([busy, sending, upgraded].map((one) => one?.isDropped)).to.deep.equal([false, false, false]);
    Object.assign(busy ?? {}, { _httpMessage: null });
    await eventually(() => busy?.isDropped);
    for (const one of [sending, upgraded]) one?.destroy();
  });

  it('lets no address but loopback hold more than a quarter once room is short, its idle ones first', () => {
    const { arrive } = setUp(20);
    const first = Array.from({ length: 16 }, () => arrive('10.0.0.1'));
    expect(first.some(({ isDropped }) => isDropped)).to.equal(false); // there is room
    const other = arrive('10.0.0.2');
    const next = arrive('10.0.0.1');
    expect([other.isDropped, next.isDropped, first[0]?.isDropped]).to.deep.equal([false, false, true]);
    for (const socket of first) Object.assign(socket, { _httpMessage: {} });
    Object.assign(next, { _httpMessage: {} });
    expect(arrive('10.0.0.1').isDropped).to.equal(true);
    expect(other.isDropped).to.equal(false);
  });

  it('counts by the address that a trusted proxy tells', () => {
    const { arrive, ask } = setUp(20, ['10.0.0.1']);
    const sockets = Array.from({ length: 17 }, () => arrive('10.0.0.1'));
    const [first, ...rest] = sockets;
    for (const [n, socket] of sockets.entries()) ask(socket, n < 8 ? '192.0.2.7' : `198.51.100.${n}`);
    expect(first?.isDropped).to.equal(true);
    expect(rest.slice(7).some(({ isDropped }) => isDropped)).to.equal(false);
  });
});
