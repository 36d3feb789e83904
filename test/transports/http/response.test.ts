/** How whole answers become bytes on their connection. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { GatewayRequest, GatewayResponse } from '../../../lib/transports/http/gateway-message.ts';
import { respond } from '../../../lib/transports/http/response.ts';
import type { GatewayServer } from '../../../lib/transports/http/server.ts';
import { rawExchange } from '../raw-http.ts';

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: here\r\n${more}\r\n`;
const CLOSE = 'Connection: close\r\n';

describe('a whole answer', () => {
  let server: GatewayServer;
  let writes: string[];
  const bodies: Readonly<Record<string, string>> = {
    '/plain': 'plain',
    '/wide': 'Grüße an 世界',
    '/empty': '',
    '/long': 'é'.repeat(300_000),
  };

  beforeEach(async () => {
    writes = [];
    server = createServer(
      { IncomingMessage: GatewayRequest, ServerResponse: GatewayResponse },
      (request, response) => {
        request.requestId = 'the-request';
        const answer = () => respond(request, response, 200, 'text/plain', bodies[request.pathOnly] ?? '');
        if (request.headers['x-late']) setTimeout(answer, 20);
        else answer();
      },
    );
    server.on('connection', (socket) => {
      const { _writev, _write } = socket;
      socket._write = (chunk, encoding, done) => {
        writes.push(`write ${encoding}`);
        _write.call(socket, chunk, encoding, done);
      };
      socket._writev = (chunks, done) => {
        writes.push(`writev ${chunks.length}`);
        _writev?.call(socket, chunks, done);
      };
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const exchange = (text: string) => rawExchange((server.address() as AddressInfo).port, text, () => false);
  const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4);

  it('is written with its head at once, in the shortest encoding', async () => {
    expect(bodyOf(await exchange(get('/plain', CLOSE)))).to.equal('plain');
    expect(writes).to.deep.equal(['write latin1']);
    writes = [];
    expect(bodyOf(await exchange(get('/wide', CLOSE)))).to.equal('Grüße an 世界');
    expect(writes).to.deep.equal(['write utf8']);
  });

  it('is complete where it is empty, long, or asked for by HEAD', async () => {
    const empty = await exchange(get('/empty', CLOSE));
    expect(empty).to.match(/Content-Length: 0\r\n/);
    expect(bodyOf(empty)).to.equal('');
    const long = await exchange(get('/long', CLOSE));
    expect(long).to.match(/Content-Length: 600000\r\n/);
    expect(bodyOf(long)).to.equal(bodies['/long']);
    const head = await exchange(get('/wide', CLOSE).replace('GET', 'HEAD'));
    expect(head).to.match(/Content-Length: 17\r\n/);
    expect(bodyOf(head)).to.equal('');
  });

  it('waits for the answer before it on its connection', async () => {
    const answers = await exchange(
      get('/wide', 'X-Late: yes\r\n') + get('/plain') + get('/empty') + get('/wide', CLOSE),
    );
    const told = answers.split('HTTP/1.1 200 OK').slice(1).map(bodyOf);
    expect(told).to.deep.equal(['Grüße an 世界', 'plain', '', 'Grüße an 世界']);
  });
});
