/** A reader that stops reading: it costs the gateway no memory, is dropped in the end, and holds up nobody. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { type GatewayProcess, KEY, startGatewayProcess } from '../support/gateway-process.ts';
import { newMarks, STORY_TOOLS, until } from './marks.ts';
import { TRANSPORTS } from './transports.ts';

describe('story: a slow reader', function () {
  this.timeout(60_000);
  let gateway: GatewayProcess;
  /** 256 MiB, if anybody took it. */
  const chunks = 4096;

  before(async () => {
    gateway = await startGatewayProcess({
      args: ['--tools', STORY_TOOLS],
      env: { STREAM_STALL: '3', BUILT_INS: 'on' },
    });
    // Warm: code, buffers and heap of a first stream are there before anything is measured.
    expect((await TRANSPORTS.sse(gateway, 'flood_tool', { chunks: 64 }).end).code).to.equal(null);
  });

  after(async () => {
    expect(await gateway.end()).to.equal(0);
  });

  /** A request whose answer is never read. */
  function pausedStream(accept: string, mark: string): Socket {
    const body = JSON.stringify({ arguments: { chunks, mark } });
    const socket = connect(gateway.port, '127.0.0.1');
    socket.pause().on('error', () => {});
    socket.write(
      `POST /tools/flood_tool/stream HTTP/1.1\r\nHost: localhost:${gateway.port}\r\nX-API-Key: ${KEY}\r\n` +
        `Accept: ${accept}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    return socket;
  }

  async function pausedWebSocket(mark: string): Promise<WebSocket> {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/ws/tools/flood_tool?api_key=${KEY}`);
    await once(socket, 'open');
    socket.on('error', () => {});
    socket.send(JSON.stringify({ arguments: { chunks, mark } }));
    socket.pause();
    return socket;
  }

  const busy = async () => JSON.parse(await (await fetch(`${gateway.url}/health`)).text()).workers.busy;

  const streams: [string, (mark: string) => Promise<{ destroy(): void }>][] = [
    ['SSE', async (mark) => pausedStream('text/event-stream', mark)],
    ['NDJSON', async (mark) => pausedStream('application/x-ndjson', mark)],
    [
      'WebSocket',
      async (mark) => {
        const socket = await pausedWebSocket(mark);
        return { destroy: () => socket.terminate() };
      },
    ],
  ];

  for (const [name, open] of streams) {
    it(`costs less than 32 MB over ${name}, while another stream flows, and is dropped after the stall`, async () => {
      const before = gateway.memoryMib();
      const marks = newMarks();
      const paused = await open(marks.file);
      await marks.seen('started');
      let most = before;
      const look = () => {
        most = Math.max(most, gateway.memoryMib());
        return false;
      };
      expect((await TRANSPORTS.sse(gateway, 'primes_tool', { from: 0, to: 50_000 }).end).code).to.equal(null);
      await until(() => look(), 'nothing', 1500).catch(() => {});
      console.log(`        ${name}: ${before.toFixed(0)} MiB before, ${most.toFixed(0)} MiB at most`);
      expect(most - before).to.be.below(32);
      await until(async () => (await busy()) === 0, 'the reader to be dropped', 20_000);
      expect(marks.count('finished')).to.equal(0);
      paused.destroy();
    });
  }
});
