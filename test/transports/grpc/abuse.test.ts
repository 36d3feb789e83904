/** Clients of gRPC that are broken or hostile, as bytes and frames; after each the gateway serves as before. */
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { eventually } from '../../support/eventually.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';

const CALL = '/mcp.gateway.v1.McpGateway/Call';
const STREAM = '/mcp.gateway.v1.McpGateway/CallStream';
const HEADERS = {
  ':method': 'POST',
  'content-type': 'application/grpc',
  te: 'trailers',
  'x-api-key': 'super-secret',
};

const framed = (message: Uint8Array, flag = 0): Buffer => {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};

/** A CallRequest; every text is below 128 bytes. */
const request = (tool: string, args: object): Buffer => {
  const text = JSON.stringify(args);
  return Buffer.from(
    `\x0a${String.fromCharCode(tool.length)}${tool}\x12${String.fromCharCode(text.length)}${text}`,
  );
};

const ECHO = framed(request('echo', { text: 'hi' }));

interface Stats {
  readonly workers: readonly { readonly callsInFlight: number }[];
  readonly pool: { readonly queueDepth: number };
}

interface Answer {
  readonly http: number | undefined;
  readonly status: string | undefined;
  readonly message: string | undefined;
  readonly reset: number;
}

describe('gRPC under abuse', () => {
  let gateway: TestGateway;
  let session: ClientHttp2Session;

  before(async () => {
    gateway = await startGateway({
      grpc: true,
      minWorkers: 1,
      maxWorkers: 2,
      maxBodyBytes: 64 * 1024,
      streamStallMs: 1000,
    });
  });
  after(() => gateway.close());
  beforeEach(() => {
    session = connect(gateway.url);
    session.on('error', () => {});
  });
  afterEach(async () => {
    session.destroy();
    const next = connect(gateway.url);
    expect(await ask(ECHO, {}, next)).to.include({ http: 200, status: '0' });
    next.destroy();
  });

  function ask(body: Buffer | null, headers: OutgoingHttpHeaders = {}, over = session): Promise<Answer> {
    const stream = over.request({ ':path': CALL, ...HEADERS, ...headers }, { endStream: body === null });
    let head: Record<string, unknown> = {};
    let trailers: Record<string, unknown> = {};
    stream.on('response', (got) => {
      head = got;
    });
    stream.on('trailers', (got) => {
      trailers = got;
    });
    stream.on('error', () => {});
    stream.resume();
    if (body) stream.end(body);
    return new Promise((resolve) =>
      stream.on('close', () => {
        const all = { ...head, ...trailers };
        const [status, message] = [all['grpc-status'], all['grpc-message']] as (string | undefined)[];
        resolve({ http: all[':status'] as number | undefined, status, message, reset: stream.rstCode });
      }),
    );
  }

  const REFUSED: Readonly<Record<string, readonly [Buffer | null, OutgoingHttpHeaders, string]>> = {
    'no message': [null, {}, '3'],
    'two messages': [Buffer.concat([ECHO, ECHO]), {}, '3'],
    'half a message': [ECHO.subarray(0, 9), {}, '3'],
    'half a head': [ECHO.subarray(0, 3), {}, '3'],
    'garbage for a message': [framed(Buffer.from([0xff, 0xff, 0xff, 0x07, 0x99])), {}, '3'],
    'a field beyond its message': [framed(Buffer.from([0x0a, 0x7f, 0x41])), {}, '3'],
    'a text that is no UTF-8': [framed(Buffer.from([0x0a, 0x02, 0xff, 0xfe])), {}, '3'],
    'a length of 4 GiB': [Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), {}, '8'],
    'a message above MAX_BODY_BYTES': [framed(Buffer.alloc(70_000)), {}, '8'],
    'a coding that nobody knows': [framed(Buffer.from('x'), 1), { 'grpc-encoding': 'br' }, '12'],
    'what is no gzip': [framed(Buffer.from('x'), 1), { 'grpc-encoding': 'gzip' }, '3'],
    'a bomb of gzip': [framed(gzipSync(Buffer.alloc(10_000_000)), 1), { 'grpc-encoding': 'gzip' }, '8'],
    'a deadline that is none': [ECHO, { 'grpc-timeout': 'soon' }, '3'],
    'a method that is none': [ECHO, { ':path': '/mcp.gateway.v1.McpGateway/Nope' }, '12'],
    'a method of Object.prototype': [ECHO, { ':path': '/constructor' }, '12'],
    'a key that is no text': [ECHO, { 'x-api-key': ['super-secret', 'super-secret'] }, '16'],
    'two hosts': [ECHO, { ':authority': 'localhost', host: 'evil.example' }, '3'],
    'a page of another site': [ECHO, { origin: 'https://evil.example' }, '7'],
  };
  for (const [what, [body, headers, status]] of Object.entries(REFUSED)) {
    it(`refuses ${what} with status ${status}`, async () => {
      const answer = await ask(body, headers);
      expect(answer.status, JSON.stringify(answer)).to.equal(status);
      expect(answer.message).to.be.a('string').and.not.equal('');
    });
  }

  it('takes a message in gzip', async () => {
    const body = framed(gzipSync(ECHO.subarray(5)), 1);
    expect((await ask(body, { 'grpc-encoding': 'gzip' })).status).to.equal('0');
  });

  it('answers what is no gRPC by HTTP', async () => {
    expect((await ask(ECHO, { 'content-type': 'application/json' })).http).to.equal(415);
    expect((await ask(ECHO, { 'content-type': 'application/grpc-web' })).http).to.equal(415);
    expect((await ask(null, { ':method': 'GET' })).http).to.equal(405);
  });

  it('stops a client that goes on sending after its refusal', async () => {
    const stream = session.request({ ':path': CALL, ...HEADERS, 'x-api-key': 'wrong' });
    stream.on('error', () => {});
    stream.resume();
    const closed = new Promise<void>((resolve) => stream.on('close', () => resolve()));
    stream.write(ECHO); // and never ends
    await closed;
  });

  it('closes on garbage after the preface, and on too large headers', async () => {
    const socket = connectSocket(gateway.port, '127.0.0.1');
    const closed = new Promise((resolve) => socket.on('close', resolve).on('error', () => {}));
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    socket.resume().write(Buffer.alloc(20_000, 0xa5));
    await closed;
    const answer = await ask(ECHO, { 'x-large': 'x'.repeat(60_000) });
    expect(answer.status).to.equal(undefined);
  });

  it('tells HTTP/1.1 apart when its bytes come one by one', async () => {
    const socket = connectSocket(gateway.port, '127.0.0.1').setNoDelay(true);
    let told = '';
    socket.setEncoding('latin1').on('data', (text) => {
      told += text;
    });
    for (const byte of 'PUT /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n') {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await new Promise((resolve) => socket.on('close', resolve));
    expect(told).to.match(/^HTTP\/1\.1 405 /);
  });

  it('survives thousands of streams that are reset at once', async () => {
    for (let n = 0; n < 3000; n++) {
      if (session.destroyed) break;
      const stream = session.request({ ':path': CALL, ...HEADERS });
      stream.on('error', () => {});
      stream.write(ECHO);
      stream.close(constants.NGHTTP2_CANCEL);
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(async () => {
      const headers = { 'X-API-Key': 'super-secret' };
      const { workers, pool } = (await (await fetch(`${gateway.url}/stats`, { headers })).json()) as Stats;
      return pool.queueDepth === 0 && workers.every(({ callsInFlight }) => callsInFlight === 0);
    });
  });

  it('answers each of a flood of calls', async () => {
    const answers = await Promise.all(Array.from({ length: 500 }, () => ask(ECHO)));
    const statuses = new Set(answers.map(({ status }) => status));
    // Done, or refused since the queue is full.
    expect([...statuses].filter((status) => status !== '0' && status !== '14')).to.deep.equal([]);
    expect(statuses).to.include('0');
  });

  it('holds the tool of a client that reads nothing, and then resets its stream', async () => {
    const figures = () =>
      (
        gateway.gateway.stats() as unknown as {
          transports: { grpc: { slowConsumers: number; bytes: number } };
        }
      ).transports.grpc;
    const had = figures();
    const stream = session.request({ ':path': STREAM, ...HEADERS });
    stream.on('error', () => {});
    stream.pause();
    stream.end(framed(request('count', { n: 1_000_000, pad: 1000 })));
    const closed = new Promise<void>((resolve) => stream.on('close', () => resolve()));
    const before = process.memoryUsage().rss;
    await closed;
    expect(stream.rstCode).to.equal(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    expect(process.memoryUsage().rss - before).to.be.below(128 * 1024 * 1024); // of 1 GB
    expect(figures().slowConsumers).to.equal(had.slowConsumers + 1);
    expect(figures().bytes - had.bytes).to.be.below(8 * 1024 * 1024);
  });
});
