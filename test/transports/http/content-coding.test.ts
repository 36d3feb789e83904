/** Bodies in gzip, and answers in gzip and Brotli. */
import { createHash } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { ToolError } from '../../../lib/call/tool-error.ts';
import { COMPRESSED_FROM, chooseCoding } from '../../../lib/transports/http/content-coding.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { failure, result, type Script } from '../scripted-runner.ts';
import { JSON_POST, type Started, startTransports } from '../start-transports.ts';

/** Text that hardly shrinks. */
function noise(length: number): string {
  let text = '';
  for (let n = 0; text.length < length; n++) text += createHash('sha512').update(String(n)).digest('base64');
  return text.slice(0, length);
}

const scripts: Record<string, Script> = {
  echo: async function* (call) {
    yield { type: 'started' };
    yield result(call.arguments);
  },
  size: async function* (call) {
    yield { type: 'started' };
    yield result('x'.repeat(Number(call.arguments['n'])));
  },
  explains: async function* () {
    yield failure(new ToolError('tool_failed', 'it failed', { details: 'x'.repeat(20_000) }));
  },
};

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
}

/** Sends what it is told and unpacks nothing. */
function ask(
  url: string,
  method: string,
  headers: Record<string, string>,
  body?: Buffer | string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers: { 'X-API-Key': 'super-secret', ...headers } });
    request.on('response', (response) =>
      buffer(response).then(
        (bytes) => resolve({ status: response.statusCode, headers: response.headers, bytes }),
        reject,
      ),
    );
    request.on('error', reject);
    request.end(body);
  });
}

describe('content codings', () => {
  let served: Started;
  before(async () => {
    served = await startTransports(scripts);
  });
  after(() => served.close());

  describe('of request bodies', () => {
    const send = (body: Buffer | string, encoding = 'gzip', path = '/tools/echo') =>
      ask(
        served.url + path,
        'POST',
        { 'Content-Type': 'application/json', 'Content-Encoding': encoding },
        body,
      );
    const codeOf = ({ bytes }: Answer): string => JSON.parse(String(bytes)).code;

    it('may be gzip, by either name, and identity is none', async () => {
      const body = '{"arguments":{"a":"é"}}';
      for (const encoding of ['gzip', 'GZIP', 'x-gzip', ' gzip , identity']) {
        const answer = await send(gzipSync(body), encoding);
        expect(answer.status, encoding).to.equal(200);
        expect(JSON.parse(String(answer.bytes)).data).to.deep.equal({ a: 'é' });
      }
      expect((await send(body, 'identity')).status).to.equal(200);
      expect((await send(body, '')).status).to.equal(200);
      const members = Buffer.concat([gzipSync(body.slice(0, 5)), gzipSync(body.slice(5))]);
      expect((await send(members)).status).to.equal(200);
      const stream = await send(gzipSync(body), 'gzip', '/tools/echo/stream');
      expect(String(stream.bytes)).to.contain('event: result');
    });

    it('are counted as they are unpacked, to the byte', async () => {
      const small = await startTransports(scripts, { maxBodyBytes: 20_000 });
      const sized = (n: number, filling: string) => `{"arguments":{"a":"${filling.slice(0, n - 22)}"}}`;
      for (const filling of ['x'.repeat(20_000), noise(20_000)]) {
        for (const [n, status] of [
          [20_000, 200],
          [20_001, 413],
        ] as const) {
          const body = sized(n, filling);
          expect(Buffer.byteLength(body)).to.equal(n);
          const headers = { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' };
          const answer = await ask(`${small.url}/tools/echo`, 'POST', headers, gzipSync(body, { level: 1 }));
          expect(answer.status, `${n}`).to.equal(status);
        }
      }
      const declared = await ask(
        `${small.url}/tools/echo`,
        'POST',
        { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
        gzipSync(noise(60_000)),
      );
      expect(declared.status).to.equal(413);
      await small.close();
    });

    it('that are bombs are refused at the bound', async () => {
      const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024), { level: 9 });
      const before = process.memoryUsage().arrayBuffers;
      const answer = await send(bomb);
      expect(answer.status).to.equal(413);
      expect(codeOf(answer)).to.equal('payload_too_large');
      expect(process.memoryUsage().arrayBuffers - before).to.be.below(64 * 1024 * 1024);
    });

    it('that are no gzip, or broken off, are parse_error', async () => {
      const good = gzipSync('{"arguments":{}}');
      for (const body of [
        '{"arguments":{}}',
        '',
        good.subarray(0, 8),
        good.subarray(0, -1),
        Buffer.concat([good, Buffer.from('trailing')]),
        Buffer.concat([good.subarray(0, 12), Buffer.from([255, 255]), good.subarray(14)]),
        gzipSync('{'),
        gzipSync(''),
        gzipSync(gzipSync('{}')),
        gzipSync(Buffer.from([0x7b, 0xff, 0x7d])),
      ]) {
        const answer = await send(body);
        expect([answer.status, codeOf(answer)], String(body).slice(0, 20)).to.deep.equal([
          400,
          'parse_error',
        ]);
      }
      expect(codeOf(await send(gzipSync('['.repeat(1000))))).to.equal('too_complex');
    });

    it('in another coding are 415 and told what is accepted, which another 415 is not', async () => {
      for (const encoding of [
        'deflate',
        'br',
        'zstd',
        'gzip, gzip',
        'gzip, br',
        'compress',
        'gzip;q=1',
        '*',
      ]) {
        const answer = await send(deflateSync('{}'), encoding);
        expect(answer.status, encoding).to.equal(415);
        expect(answer.headers['accept-encoding'], encoding).to.equal('gzip');
        expect(codeOf(answer)).to.equal('unsupported_media_type');
      }
      const text = await ask(`${served.url}/tools/echo`, 'POST', { 'Content-Type': 'text/plain' }, '{}');
      expect([text.status, text.headers['accept-encoding']]).to.deep.equal([415, undefined]);
    });
  });

  describe('of answers', () => {
    const call = (n: number, accept: string | undefined, path = '/tools/size') =>
      ask(
        served.url + path,
        'POST',
        {
          'Content-Type': 'application/json',
          ...(accept === undefined ? {} : { 'Accept-Encoding': accept }),
        },
        `{"arguments":{"n":${n}}}`,
      );

    it('are chosen by Accept-Encoding, whose weights count', () => {
      for (const [accept, coding] of [
        [undefined, undefined],
        ['', undefined],
        ['gzip', 'gzip'],
        ['x-gzip', 'gzip'],
        ['GZip', 'gzip'],
        ['br', 'br'],
        ['gzip, deflate, br, zstd', 'br'],
        ['gzip;q=1, br;q=0.5', 'gzip'],
        ['gzip;q=0, br', 'br'],
        ['gzip ; q=0.2 , br ; q=0.1', 'gzip'],
        ['*', 'br'],
        ['*;q=0.1', 'br'],
        ['br;q=0, *', 'gzip'],
        ['*;q=0, gzip', 'gzip'],
        ['*;q=0', undefined],
        ['gzip;q=0', undefined],
        ['identity', undefined],
        ['identity, gzip;q=0.5', undefined],
        ['identity;q=0.5, gzip', 'gzip'],
        ['identity;q=0, gzip', 'gzip'],
        ['identity;q=0', undefined],
        ['gzip;q=x', undefined],
        ['gzip;q=2', undefined],
        ['deflate, zstd', undefined],
        [',,', undefined],
      ] as const) {
        expect(chooseCoding(accept, COMPRESSED_FROM), String(accept)).to.equal(coding);
      }
      expect(chooseCoding('gzip', COMPRESSED_FROM - 1)).to.equal(undefined);
      expect(chooseCoding('gzip;q=0.5', 100)).to.equal(undefined);
      expect(chooseCoding('gzip, identity;q=0', 100)).to.equal('gzip');
      expect(chooseCoding('br, *;q=0', 100)).to.equal('br');
    });

    it('are sent from 16 KiB on, with the length of what is sent and Vary', async () => {
      for (const [accept, unpack] of [
        ['gzip', gunzipSync],
        ['br', brotliDecompressSync],
      ] as const) {
        const { status, headers, bytes } = await call(20_000, accept);
        expect(status).to.equal(200);
        expect(headers).to.include({
          'content-encoding': accept,
          'content-length': String(bytes.length),
          vary: 'Accept-Encoding',
          'content-type': 'application/json; charset=utf-8',
        });
        expect(headers).to.have.property('x-call-id');
        expect(JSON.parse(String(unpack(bytes))).data).to.have.length(20_000);
      }
    });

    it('are left out below, where nobody asks, and where nothing else is accepted', async () => {
      for (const [n, accept, vary] of [
        [100, 'gzip, br', undefined],
        [20_000, undefined, 'Accept-Encoding'],
        [20_000, 'identity', 'Accept-Encoding'],
        [20_000, '*;q=0', 'Accept-Encoding'],
      ] as const) {
        const { status, headers, bytes } = await call(n, accept);
        expect([status, headers['content-encoding'], headers.vary], accept).to.deep.equal([
          200,
          undefined,
          vary,
        ]);
        expect(JSON.parse(String(bytes)).data).to.have.length(n);
      }
      const forced = await call(100, 'gzip, identity;q=0');
      expect(forced.headers['content-encoding']).to.equal('gzip');
      expect(JSON.parse(String(gunzipSync(forced.bytes))).data).to.have.length(100);
    });

    it('are of problems too, and never of streams', async () => {
      const problem = await call(1, 'gzip', '/tools/explains');
      expect([problem.status, problem.headers['content-encoding']]).to.deep.equal([500, 'gzip']);
      expect(JSON.parse(String(gunzipSync(problem.bytes))).code).to.equal('tool_failed');
      for (const type of ['text/event-stream', 'application/x-ndjson']) {
        const { headers } = await ask(
          `${served.url}/tools/size/stream`,
          'POST',
          { 'Content-Type': 'application/json', 'Accept-Encoding': 'gzip, br', Accept: type },
          '{"arguments":{"n":50000}}',
        );
        expect(headers['content-encoding'], type).to.equal(undefined);
        expect(headers['content-type']).to.equal(type);
      }
    });

    it('add to the Vary of other origins’ pages', async () => {
      const other = await startTransports(scripts, { corsOrigins: ['https://app.example'] });
      const headers = { ...JSON_POST.headers, Origin: 'https://app.example', 'Accept-Encoding': 'gzip' };
      const answer = await ask(`${other.url}/tools/size`, 'POST', headers, '{"arguments":{"n":20000}}');
      expect(answer.headers.vary).to.equal('Origin, Accept-Encoding');
      await other.close();
    });

    it('are given to many at once, packed or not, and all can be read', async () => {
      const answers = await Promise.all(Array.from({ length: 24 }, () => call(300_000, 'gzip')));
      for (const { headers, bytes } of answers) {
        const text = headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
        expect(JSON.parse(String(text)).data).to.have.length(300_000);
      }
      expect(answers.some(({ headers }) => headers['content-encoding'] === 'gzip')).to.equal(true);
    });
  });

  describe('of a whole gateway', () => {
    let started: TestGateway;
    before(async () => {
      started = await startGateway();
    });
    after(() => started.close());

    const rpc = (method: string, params: object) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const HEADERS = {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      'MCP-Protocol-Version': '2025-11-25',
    };
    const open = async () => {
      const hello = {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'x', version: '1' },
      };
      const headers = { ...HEADERS, 'Content-Encoding': 'gzip' };
      const answer = await ask(`${started.url}/mcp`, 'POST', headers, gzipSync(rpc('initialize', hello)));
      expect(answer.status).to.equal(200);
      return { ...HEADERS, 'Mcp-Session-Id': String(answer.headers['mcp-session-id']) };
    };

    it('are those of /mcp too', async () => {
      const headers = await open();
      const call = rpc('tools/call', { name: 'echo', arguments: { text: 'x'.repeat(20_000) } });
      const packed = { ...headers, 'Content-Encoding': 'gzip', 'Accept-Encoding': 'gzip' };
      const answer = await ask(`${started.url}/mcp`, 'POST', packed, gzipSync(call));
      expect([answer.status, answer.headers['content-encoding']]).to.deep.equal([200, 'gzip']);
      expect(JSON.parse(String(gunzipSync(answer.bytes))).result.structuredContent.text).to.have.length(
        20_000,
      );
      const refused = await ask(`${started.url}/mcp`, 'POST', { ...headers, 'Content-Encoding': 'br' }, '{}');
      expect([refused.status, refused.headers['accept-encoding']]).to.deep.equal([415, 'gzip']);
      const broken = await ask(`${started.url}/mcp`, 'POST', packed, 'no gzip');
      expect([broken.status, JSON.parse(String(broken.bytes)).error.code]).to.deep.equal([400, -32700]);
      const bomb = await ask(`${started.url}/mcp`, 'POST', packed, gzipSync(Buffer.alloc(8 * 1024 * 1024)));
      expect(bomb.status).to.equal(413);
    });

    it('leave HEAD its headers and no body', async () => {
      for (const path of ['/tools', '/stats', '/', '/health']) {
        const headers = { 'Accept-Encoding': 'gzip' };
        const head = await ask(started.url + path, 'HEAD', headers);
        const got = await ask(started.url + path, 'GET', headers);
        expect([head.status, head.bytes.length], path).to.deep.equal([200, 0]);
        expect(head.headers['content-type']).to.equal(got.headers['content-type']);
        expect(head.headers['content-encoding']).to.equal(got.headers['content-encoding']);
        if (path === '/tools') expect(head.headers['content-length']).to.equal(got.headers['content-length']);
      }
      expect((await ask(`${started.url}/tools/echo`, 'HEAD', {})).status).to.equal(405);
      expect((await ask(`${started.url}/mcp`, 'HEAD', {})).status).to.equal(405);
    });
  });
});
