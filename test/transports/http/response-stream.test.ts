/** How the texts of a stream become bytes on its connection. */
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect } from 'chai';
import { GatewayRequest, GatewayResponse } from '../../../lib/transports/http/gateway-message.ts';
import { HttpStream } from '../../../lib/transports/http/response-stream.ts';
import type { GatewayServer } from '../../../lib/transports/http/server.ts';
import { StreamWatch } from '../../../lib/transports/rendering/stream-watch.ts';
import { newTransportMeter } from '../../../lib/transports/rendering/transport-meter.ts';
import { rawExchange } from '../raw-http.ts';

const GET = 'GET / HTTP/1.1\r\nHost: here\r\n\r\n';
const LAST_GET = 'GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n';

describe('HttpStream', () => {
  const watch = new StreamWatch({ stallMs: 60_000, heartbeatMs: 60_000 });
  let server: GatewayServer;
  let streams: HttpStream[];
  let onStream: (stream: HttpStream) => void;

  beforeEach(async () => {
    streams = [];
    onStream = () => {};
    server = createServer(
      { IncomingMessage: GatewayRequest, ServerResponse: GatewayResponse },
      (request, response) => {
        const context = { watch, meter: newTransportMeter(), log: () => {}, headDelayMs: 60_000 };
        const stream = new HttpStream(request, response, { cancel: () => {} }, context, {
          beginLate: () => {},
        });
        stream.begin();
        stream.writeHead('text/plain', '');
        streams.push(stream);
        onStream(stream);
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const exchange = (text: string) => rawExchange((server.address() as AddressInfo).port, text, () => false);
  const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4);

  it('writes the small texts of one turn as one chunk, whose size is in bytes', async () => {
    onStream = (stream) => {
      stream.write('Grüße ');
      stream.write('an 世界');
      setImmediate(() => {
        stream.write('plain');
        setImmediate(() => stream.end());
      });
    };
    const body = bodyOf(await exchange(LAST_GET));
    expect(body).to.equal('11\r\nGrüße an 世界\r\n5\r\nplain\r\n0\r\n\r\n');
  });

  it('keeps the order of small and large texts, and what a turn made before the end', async () => {
    const large = 'L'.repeat(600 * 1024);
    onStream = async (stream) => {
      for (const text of ['a', 'b'.repeat(10_000), 'c', large, 'd']) {
        stream.write(text);
        await stream.ready();
      }
      stream.end();
    };
    const chunks = bodyOf(await exchange(LAST_GET)).split(/\r\n[0-9a-f]+\r\n|^[0-9a-f]+\r\n/);
    expect(chunks.join('').replace(/\r\n$/, '')).to.equal(`a${'b'.repeat(10_000)}c${large}d`);
  });

  it('holds the texts of an answer that waits behind another on its connection', async () => {
    onStream = (stream) => {
      stream.write(`of ${streams.indexOf(stream)}`);
      if (streams.length < 2) return;
      // The second has all it has to say before the first has ended.
      streams[1]?.end();
      setImmediate(() => {
        streams[0]?.write(', more');
        setImmediate(() => streams[0]?.end());
      });
    };
    const answer = await exchange(GET + LAST_GET);
    const told = [...answer.matchAll(/of \d|, more|0\r\n\r\n/g)].map(([text]) => text.trim());
    expect(told).to.deep.equal(['of 0', ', more', '0', 'of 1', '0']);
  });

  it('is not ready while its reader is behind, and is again when that has caught up', async () => {
    let wasReady = 0;
    let isBehind = false;
    onStream = async (stream) => {
      for (let i = 0; i < 20_000; i++) {
        stream.write('x'.repeat(3000));
        const ready = stream.ready();
        if (ready) {
          isBehind = true;
          await ready;
        } else wasReady++;
        if (i % 100 === 0) await new Promise(setImmediate);
      }
      stream.end();
    };
    const { port } = server.address() as AddressInfo;
    let bytes = 0;
    await new Promise<void>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(LAST_GET));
      socket.on('error', reject).on('close', () => resolve());
      socket.pause();
      const read = async () => {
        while (!isBehind) await new Promise(setImmediate);
        socket.on('data', (part) => {
          bytes += part.length;
        });
        socket.resume();
      };
      void read();
    });
    expect(bytes).to.be.greaterThan(60_000_000);
    expect(wasReady).to.be.greaterThan(0);
  });

  it('writes no chunks to a client of HTTP/1.0', async () => {
    onStream = (stream) => {
      stream.write('one ');
      setImmediate(() => {
        stream.write('two');
        stream.end();
      });
    };
    expect(bodyOf(await exchange('GET / HTTP/1.0\r\nHost: here\r\n\r\n'))).to.equal('one two');
  });
});
