/** How bodies of requests are read: whole, past the stream where nothing has come of them yet. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { ToolError } from '../../../lib/call/tool-error.ts';
import { GatewayRequest, GatewayResponse } from '../../../lib/transports/http/gateway-message.ts';
import { readJsonBody } from '../../../lib/transports/http/request-body.ts';
import type { GatewayServer } from '../../../lib/transports/http/server.ts';
import { eventually } from '../../support/eventually.ts';
import { rawExchange } from '../raw-http.ts';

const MOST = 1000;
const head = (more: string) =>
  `POST / HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n${more}\r\n`;
const whole = (body: string, more = '') => head(`Content-Length: ${body.length}\r\n${more}`) + body;
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const CHUNKED = head('Transfer-Encoding: chunked\r\n');
const CLOSE = 'Connection: close\r\n';

describe('the body of a request', () => {
  let server: GatewayServer;
  let requests: GatewayRequest[];
  let ends: unknown[];
  let sockets: Socket[];

  beforeEach(async () => {
    requests = [];
    ends = [];
    sockets = [];
    server = createServer(
      { IncomingMessage: GatewayRequest, ServerResponse: GatewayResponse },
      async (request, response) => {
        requests.push(request);
        if (request.headers['x-late']) await delay(30);
        const read = await readJsonBody(request, response, MOST).catch((error) => error);
        ends.push(read);
        if (!response.destroyed)
          response.writeHead(read instanceof ToolError ? read.status : 200).end(JSON.stringify(read));
      },
    );
    server.on('connection', (socket) => sockets.push(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const port = () => (server.address() as AddressInfo).port;
  const exchange = (text: string, isEnough: (all: string) => boolean = () => false) =>
    rawExchange(port(), text, isEnough);
  /** Sends texts a little apart, so that each comes by itself. */
  const trickle = async (...texts: string[]) => {
    const socket = connect(port(), '127.0.0.1');
    let received = '';
    socket.on('data', (bytes) => {
      received += bytes;
    });
    socket.on('error', () => {});
    for (const text of texts) {
      socket.write(text);
      await delay(10);
    }
    return { socket, received: () => received };
  };

  it('is read past the stream, which never flows', async () => {
    expect(await exchange(whole('{"a":1}', CLOSE))).to.match(/^HTTP\/1.1 200 .*\{"a":1\}/s);
    expect(requests[0]).to.include({ readableFlowing: null, readableEnded: true, complete: true });
  });

  it('is whole in however many parts it comes', async () => {
    const { received } = await trickle(CHUNKED, chunk('{"a":'), chunk('[1,'), chunk('2]}') + chunk(''));
    await eventually(() => received().includes('{"a":[1,2]}'));
    expect(requests[0]?.readableFlowing).to.equal(null);
  });

  it('is read by the stream where some of it came before it was asked for', async () => {
    expect(await exchange(whole('{"a":1}', `X-Late: 1\r\n${CLOSE}`))).to.contain('{"a":1}');
    expect(requests[0]?.readableFlowing).to.equal(true);
    const late = head('X-Late: 1\r\nTransfer-Encoding: chunked\r\n');
    const { received } = await trickle(
      late + chunk('[1,'),
      chunk('2'),
      ...Array(5).fill(chunk(',3')),
      chunk(']') + chunk(''),
    );
    await eventually(() => received().includes('[1,2,3,3,3,3,3]'));
  });

  it('is one after the other where several requests are sent at once', async () => {
    const all = await exchange(whole('[1]') + whole('[2]', 'X-Late: 1\r\n') + whole('[3]', CLOSE));
    expect(all.match(/\[\d\]/g)).to.deep.equal(['[1]', '[2]', '[3]']);
  });

  it('that is empty is no JSON, whether its length was told or not', async () => {
    for (const text of [whole('', CLOSE), head(CLOSE), CHUNKED + chunk('')]) {
      expect(await exchange(text, (all) => all.includes('parse_error'))).to.match(/^HTTP\/1.1 400 /);
    }
  });

  it('is refused as soon as it is too long, and what follows is thrown away', async () => {
    const { received, socket } = await trickle(
      CHUNKED,
      chunk('x'.repeat(MOST)),
      chunk('y'),
      chunk('z'.repeat(9000)),
    );
    await eventually(() => received().startsWith('HTTP/1.1 413 '));
    socket.write(chunk('') + whole('[1]', CLOSE));
    await eventually(() => received().includes('[1]'));
    expect(ends).to.have.length(2);
  });

  it('ends with the connection of a client that leaves before its end', async () => {
    const { socket } = await trickle(CHUNKED, chunk('[1,'));
    socket.destroy();
    await eventually(() => ends.length === 1);
    expect(ends[0]).to.be.instanceOf(ToolError).and.to.include({ code: 'cancelled' });
  });

  it('was read to its end where the client leaves after it', async () => {
    server.removeAllListeners('request');
    server.on('request', (request, response) => {
      requests.push(request);
      void readJsonBody(request, response, MOST).then((read) => ends.push(read));
    });
    const { socket } = await trickle(whole('[1]'));
    await eventually(() => ends.length === 1);
    socket.destroy();
    await once(requests[0] as GatewayRequest, 'close');
    expect(requests[0]?.aborted).to.equal(false);
  });

  it('keeps no request on a connection that rests', async () => {
    const { received } = await trickle(whole('[1]'));
    await eventually(() => received().includes('[1]'));
    const [socket] = sockets as (Socket & { parser?: { incoming: unknown } })[];
    expect(socket?.parser).to.be.an('object');
    expect(socket?.parser?.incoming).to.equal(null);
  });
});
