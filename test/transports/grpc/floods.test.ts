/**
 * Floods of HTTP/2 frames, written by hand since no library sends them; after each the gateway serves as before, and holds
 * no more than before.
 */
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectSocket, type Socket } from 'node:net';
import { expect } from 'chai';
import { eventually } from '../../support/eventually.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { grpcClient, keyMetadata, unary } from './grpc-js-client.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const DATA = 0;
const HEADERS = 1;
const PRIORITY = 2;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const WINDOW_UPDATE = 8;
const CONTINUATION = 9;
const END_STREAM = 1;
const END_HEADERS = 4;
const PATH = '/mcp.gateway.v1.McpGateway/Call';
const MIB = 1024 * 1024;

const frame = (type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};

/** One header as HPACK writes it without table and compression. */
const header = (name: string, value: string): Buffer => {
  const text = (one: string) => Buffer.concat([Buffer.from([one.length]), Buffer.from(one)]);
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
};
const headersOf = (more: Readonly<Record<string, string>> = {}): Buffer => {
  const all = {
    ':method': 'POST',
    ':scheme': 'http',
    ':path': PATH,
    ':authority': 'localhost',
    'content-type': 'application/grpc',
    'x-api-key': 'super-secret',
    ...more,
  };
  return Buffer.concat(Object.entries(all).map(([name, value]) => header(name, value)));
};
const REQUEST = headersOf();

/** `{tool: "echo", arguments: "{\"text\":\"hi\"}"}` as a message of gRPC. */
const ECHO = Buffer.from('\0\0\0\0\x15\x0a\x04echo\x12\x0d{"text":"hi"}', 'latin1');

describe('gRPC under floods of frames', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startGateway({ grpc: true, minWorkers: 1, maxWorkers: 2 });
  });
  after(() => gateway.close());

  const figures = () =>
    (gateway.gateway.stats() as unknown as { transports: { grpc: { connections: number; streams: number } } })
      .transports.grpc;

  /** A connection that has said its preface. */
  const open = async (): Promise<{ socket: Socket; closed: Promise<void> }> => {
    const socket = connectSocket(gateway.port, '127.0.0.1');
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    socket.on('error', () => {}).resume();
    socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]));
    await new Promise((resolve) => socket.once('data', resolve));
    return { socket, closed };
  };

  /** Writes as fast as it is taken, until it is closed. */
  const flood = async (socket: Socket, blocks: number, block: (at: number) => Buffer): Promise<void> => {
    for (let at = 0; at < blocks && !socket.destroyed; at++) {
      if (socket.write(block(at))) await new Promise((resolve) => setImmediate(resolve));
      else
        await new Promise<void>((resolve) => {
          socket.once('drain', resolve).once('close', resolve);
        });
    }
  };

  /** Calls a tool on a connection of its own. */
  const answers = async (): Promise<void> => {
    const session = connect(gateway.url);
    const stream = session.request({
      ':method': 'POST',
      ':path': PATH,
      'content-type': 'application/grpc',
      'x-api-key': 'super-secret',
    });
    stream.end(ECHO);
    stream.resume();
    const trailers = await new Promise<IncomingHttpHeaders>((resolve) => stream.on('trailers', resolve));
    expect(trailers['grpc-status']).to.equal('0');
    session.close();
  };
  /** Calls a tool, and sees all connections gone. */
  const serves = async (): Promise<void> => {
    await answers();
    await eventually(() => figures().connections === 0, { what: 'no connection of gRPC' });
  };

  const FLOODS: Readonly<Record<string, (at: number) => Buffer>> = {
    'pings that want an answer': () => Buffer.concat(Array(2000).fill(frame(PING, 0, 0, Buffer.alloc(8)))),
    settings: () => Buffer.concat(Array(2000).fill(frame(SETTINGS, 0, 0))),
    'empty frames of data': (at) =>
      Buffer.concat([
        ...(at === 0 ? [frame(HEADERS, END_HEADERS, 1, REQUEST)] : []),
        ...Array<Buffer>(2000).fill(frame(DATA, 0, 1)),
      ]),
    priorities: () =>
      Buffer.concat(
        Array.from({ length: 2000 }, (_, n) => frame(PRIORITY, 0, 2 * n + 1, Buffer.from([0, 0, 0, 0, 16]))),
      ),
    'window updates': () =>
      Buffer.concat(Array(2000).fill(frame(WINDOW_UPDATE, 0, 0, Buffer.from([0, 0, 0, 1])))),
    'streams that are reset at once': (at) =>
      Buffer.concat(
        Array.from({ length: 500 }, (_, n) => {
          const stream = 2 * (at * 500 + n) + 1;
          return Buffer.concat([
            frame(HEADERS, END_HEADERS, stream, REQUEST),
            frame(RST_STREAM, 0, stream, Buffer.from([0, 0, 0, 8])),
          ]);
        }),
      ),
    'headers that never end': (at) =>
      Buffer.concat([
        ...(at === 0 ? [frame(HEADERS, 0, 1, REQUEST)] : []),
        ...Array.from({ length: 20 }, (_, n) =>
          frame(CONTINUATION, 0, 1, header(`x-${at}-${n}`, 'y'.repeat(100))),
        ),
      ]),
    'continuations of nothing': (at) =>
      Buffer.concat([
        ...(at === 0 ? [frame(HEADERS, 0, 1, REQUEST)] : []),
        ...Array<Buffer>(2000).fill(frame(CONTINUATION, 0, 1)),
      ]),
  };
  for (const [what, block] of Object.entries(FLOODS)) {
    it(`holds against ${what}`, async () => {
      const before = process.memoryUsage().rss;
      const { socket, closed } = await open();
      await flood(socket, 100, block);
      await answers();
      expect(process.memoryUsage().rss - before).to.be.below(64 * MIB);
      socket.destroy();
      await closed;
      await serves();
    });
  }

  it('goes on with a client that cancels more calls than one connection may', async () => {
    const client = grpcClient(`127.0.0.1:${gateway.port}`);
    const request = { tool: 'wait', arguments: '{"ms":60000}' };
    for (let wave = 0; wave < 30; wave++) {
      const calls = Array.from({ length: 50 }, () => client.Call(request, keyMetadata(), () => {}));
      await Promise.all(
        calls.map(async (call) => {
          const ended = new Promise((resolve) => call.on('status', resolve));
          await new Promise((resolve) => setTimeout(resolve, 5));
          call.cancel();
          await ended;
        }),
      );
    }
    const answer = await unary(client, 'Call', { tool: 'echo', arguments: '{"text":"on"}' });
    expect(answer.json).to.equal('{"text":"on"}');
    client.close();
    await serves();
  });

  it('takes nothing of a header with a line break', async () => {
    const { socket } = await open();
    let told = '';
    socket.on('data', (bytes) => {
      told += bytes.toString('latin1');
    });
    const block = headersOf({ 'x-request-id': 'a\r\nx-evil: 1' });
    socket.write(Buffer.concat([frame(HEADERS, END_HEADERS, 1, block), frame(DATA, END_STREAM, 1, ECHO)]));
    await eventually(() => told.includes('"text"'));
    expect(told).to.not.include('evil');
    socket.destroy();
    await serves();
  });

  it('serves a hundred streams at a time on one connection, and refuses more', async () => {
    const { socket } = await open();
    const resets: number[] = [];
    let held = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      held = Buffer.concat([held, bytes]);
      while (held.length >= 9 && held.length >= 9 + held.readUIntBE(0, 3)) {
        if (held[3] === RST_STREAM) resets.push(held.readUInt32BE(9));
        held = held.subarray(9 + held.readUIntBE(0, 3));
      }
    });
    for (let n = 0; n < 150; n++) socket.write(frame(HEADERS, END_HEADERS, 2 * n + 1, REQUEST));
    await eventually(() => resets.length === 50);
    expect(new Set(resets)).to.deep.equal(new Set([7])); // REFUSED_STREAM
    socket.destroy();
    await serves();
  });

  const BAD: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'no :authority and no host': { ':authority': '' },
    'an :authority with a user': { ':authority': 'me@localhost' },
    'an :authority with a path': { ':authority': 'localhost/evil' },
    'an :authority that only looks local': { ':authority': 'localhost.evil.example' },
    'a name in capitals': { 'X-Evil': '1' },
    'a header of connections': { connection: 'keep-alive' },
    'a pseudo-header that nobody knows': { ':evil': '1' },
  };
  for (const [what, more] of Object.entries(BAD)) {
    it(`calls no tool for ${what}`, async () => {
      const calls = () =>
        (gateway.gateway.stats() as { tools: Record<string, { calls: number }> }).tools['echo']?.calls ?? 0;
      const before = calls();
      const { socket, closed } = await open();
      let told = '';
      socket.on('data', (bytes) => {
        told += bytes.toString('latin1');
      });
      const isAnswered = new Promise((resolve) => socket.once('data', resolve));
      socket.write(
        Buffer.concat([frame(HEADERS, END_HEADERS, 1, headersOf(more)), frame(DATA, END_STREAM, 1, ECHO)]),
      );
      await Promise.race([isAnswered, closed]);
      expect(calls()).to.equal(before);
      expect(told).to.not.include('"text"');
      socket.destroy();
      await serves();
    });
  }
});
