/** Calls over gRPC that are kept, counted, waiting, or of bytes. */
import { once } from 'node:events';
import { type ClientHttp2Stream, connect } from 'node:http2';
import { expect } from 'chai';
import { eventually } from '../../support/eventually.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { fixture } from '../../support/start-pool.ts';
import { type Any, detailOf, events, grpcClient, keyMetadata, refusal, unary } from './grpc-js-client.ts';

const HTTP_KEY = { headers: { 'X-API-Key': 'super-secret' } };
const TOOLS = [fixture('basic-tools'), fixture('binary-tools')];
const echo = (text: string) => ({ tool: 'echo', arguments: JSON.stringify({ text }) });
const count = (n: number, more: object = {}) => ({
  tool: 'count',
  arguments: JSON.stringify({ n, ...more }),
});

const closed = (stream: ClientHttp2Stream) => new Promise<void>((resolve) => stream.on('close', resolve));

describe('a call over gRPC', () => {
  let gateway: TestGateway;
  let client: Any;

  const start = async (options: object = {}) => {
    gateway = await startGateway({ grpc: true, minWorkers: 1, maxWorkers: 1, tools: TOOLS, ...options });
    client = grpcClient(`127.0.0.1:${gateway.port}`);
  };
  const stop = async () => {
    client.close();
    await gateway.close();
  };

  const stats = async () => (await (await fetch(`${gateway.url}/stats`, HTTP_KEY)).json()) as Any;
  const isQuiet = async () => {
    const { workers, pool } = await stats();
    return pool.queueDepth === 0 && workers.every(({ callsInFlight }: Any) => callsInFlight === 0);
  };

  describe('that is kept', () => {
    before(() => start());
    after(stop);

    /** Streams a call, and leaves when it has begun. */
    const leave = async (request: object): Promise<string> => {
      const stream = client.CallStream(request, keyMetadata());
      stream.on('error', () => {});
      const [{ started }] = await once(stream, 'data');
      stream.cancel();
      return started.call_id;
    };

    it('goes on without its client for detach_s, and is found by its key, whole', async () => {
      const request = {
        ...count(300, { delayMs: 1 }),
        detach_s: 60,
        idempotency_key: 'left',
        result: 'none',
      };
      const callId = await leave(request);
      const stream = client.CallStream(request, keyMetadata());
      const [head] = await once(stream, 'metadata');
      expect(head.get('idempotent-replay')).to.deep.equal(['true']);
      const told = await events(stream);
      expect(told[0].started.call_id).to.equal(callId);
      expect(told.flatMap(({ chunks }) => chunks?.json ?? [])).to.have.length(300);
      expect(told.at(-1).result.chunks).to.equal(300);
      const seqs = told.map(({ seq }) => seq);
      expect(seqs).to.deep.equal([...seqs].sort((a, b) => a - b));
    });

    it('is cancelled with its client where it has no detach_s, and no key or a detach_s of 0', async () => {
      await leave(count(100_000, { delayMs: 5 }));
      const slow = { ...count(100_000, { delayMs: 5 }), idempotency_key: 'gone', detach_s: 0 };
      const callId = await leave(slow);
      await eventually(isQuiet);
      const kept = (await (await fetch(`${gateway.url}/calls/${callId}`, HTTP_KEY)).json()) as Any;
      expect(kept.error.code).to.equal('cancelled');
    });

    it('is refused a detach_s that is none', async () => {
      for (const detach of [-1, Number.NaN]) {
        const refused = await refusal(unary(client, 'Call', { ...echo('x'), detach_s: detach }));
        expect([refused.code, detailOf(refused).code], String(detach)).to.deep.equal([3, 'invalid_request']);
      }
    });

    it('is the same again for its key: by Call, CallStream and in a session', async () => {
      const request = { ...count(2), idempotency_key: 'once' };
      const before = (await stats()).tools.count.calls;
      const first = await unary(client, 'Call', request);
      const again = await unary(client, 'Call', request);
      expect(again).to.deep.equal(first);
      const other = await refusal(unary(client, 'Call', { ...count(3), idempotency_key: 'once' }));
      expect([other.code, detailOf(other).code]).to.deep.equal([6, 'idempotency_mismatch']);
      const streamed = await events(client.CallStream(request, keyMetadata()));
      expect(streamed[0].started.call_id).to.equal(first.call_id);
      const session = client.CallSession(keyMetadata());
      session.write({ id: 'a', call: request });
      session.write({ id: 'b', call: { ...count(3), idempotency_key: 'once' } });
      session.end();
      const told = await events(session);
      const of = (id: string) => told.filter((one) => one.id === id).map(({ event }) => event);
      expect(of('a')[0].started.call_id).to.equal(first.call_id);
      expect(of('b').at(-1).error.code).to.equal('idempotency_mismatch');
      expect((await stats()).tools.count.calls).to.equal(before + 1);
    });

    it('is refused a key that is none', async () => {
      for (const key of ['', 'x'.repeat(300), 'new\nline']) {
        const call = unary(client, 'Call', { ...echo('x'), idempotency_key: key });
        if (key === '') await call;
        else expect(detailOf(await refusal(call)).code, key).to.equal('invalid_request');
      }
    });
  });

  describe('that may have to wait', () => {
    afterEach(stop);

    const WAIT = { tool: 'wait_alone', arguments: '{"ms":60000}' };
    const open = () => client.Call(WAIT, keyMetadata(), () => {});

    it('counts against RATE_LIMIT, is told what is left, and when to come again', async () => {
      await start({ rateLimit: 2 });
      await unary(client, 'ListTools', {}); // connected, so that what follows is sent at once
      const heads: Any[] = [];
      const call = () =>
        new Promise((resolve, reject) => {
          client
            .Call(echo('x'), keyMetadata(), (error: unknown, got: Any) =>
              error ? reject(error) : resolve(got),
            )
            .on('metadata', (head: Any) => heads.push(head));
        });
      // More within the second than may be, however slow the machine: one behind the other they could take longer.
      const burst = () => {
        const calls = [call(), call()];
        const session = client.CallSession(keyMetadata());
        session.write({ id: 'a', call: echo('x') });
        session.end();
        const refused = [refusal(call()), refusal(events(client.CallStream(echo('x'), keyMetadata())))];
        return Promise.all([Promise.all(calls), events(session), ...refused] as const);
      };
      const [, told, limited, streamed] = await burst();
      expect(heads[0].get('ratelimit-policy')[0]).to.match(/^"default";q=2;w=\d+$/);
      expect(heads[1].get('ratelimit')[0]).to.match(/^"default";r=0;t=\d+$/);
      const detail = detailOf(limited as never);
      expect([(limited as Any).code, detail.code]).to.deep.equal([8, 'rate_limited']);
      expect(detail.retry_after_ms).to.be.above(0);
      expect((streamed as Any).code).to.equal(8);
      expect(told.at(-1).event.error.code).to.equal('rate_limited');
      expect((await unary(client, 'ListTools', {})).tools).to.not.be.empty;
    });

    it('whose deadline is shorter than the queue ends by it, and never begins', async () => {
      await start();
      const busy = open();
      await eventually(async () => (await stats()).workers[0].callsInFlight === 1);
      const late = await refusal(
        unary(client, 'Call', count(1), keyMetadata(), { deadline: Date.now() + 200 }),
      );
      expect(late.code).to.equal(4);
      const own = await refusal(unary(client, 'Call', { ...count(1), timeout_ms: 100 }));
      expect([own.code, detailOf(own).code]).to.deep.equal([4, 'deadline_exceeded']);
      await eventually(async () => (await stats()).pool.queueDepth === 0);
      busy.cancel();
      await eventually(isQuiet);
    });

    it('that finds the queue full is UNAVAILABLE, with when to come again', async () => {
      await start({ queueLimit: 1 });
      const busy = open();
      await eventually(async () => (await stats()).workers[0].callsInFlight === 1);
      const queued = open();
      await eventually(async () => (await stats()).pool.queueDepth === 1);
      const full = await refusal(unary(client, 'Call', WAIT));
      expect([full.code, detailOf(full).code, detailOf(full).retryable]).to.deep.equal([
        14,
        'overloaded',
        true,
      ]);
      for (const call of [busy, queued]) call.cancel();
      await eventually(isQuiet);
    });
  });

  describe('of bytes', () => {
    before(() => start());
    after(stop);

    it('has them in batches, in order', async () => {
      const stream = client.CallStream({ tool: 'bytes', arguments: '{"n":5000}' }, keyMetadata());
      const told = await events(stream);
      let next = 0;
      for (const { chunks } of told) {
        if (!chunks) continue;
        expect([chunks.index, chunks.json.length]).to.deep.equal([next, 0]);
        for (const chunk of chunks.bytes) expect(chunk.readUInt16BE()).to.equal(next++);
      }
      expect(next).to.equal(5000);
    });

    it('keeps its order where they are among JSON', async () => {
      const request = { tool: 'mixed', arguments: '{"n":1000}', result: 'full' };
      const told = await events(client.CallStream(request, keyMetadata()));
      const all: unknown[] = [];
      for (const { chunks } of told) {
        if (!chunks) continue;
        expect(chunks.index).to.equal(all.length);
        expect(chunks.json.length === 0 || chunks.bytes.length === 0).to.equal(true);
        all.push(...chunks.json.map((json: string) => JSON.parse(json)), ...chunks.bytes);
      }
      expect(all).to.have.length(1000);
      for (const [i, one] of all.entries()) {
        if (i % 3 === 0) expect(one).to.deep.equal({ i, text: 'ä' });
        else expect([...(one as Buffer)]).to.deep.equal([i & 255]);
      }
      const list = JSON.parse(told.at(-1).result.json);
      expect(list.slice(0, 2)).to.deep.equal([{ i: 0, text: 'ä' }, { $base64: 'AQ==' }]);
    });

    it('keeps within what its client takes, batch by batch', async () => {
      for (const tool of ['mixed', 'bytes', 'count']) {
        const request = { tool, arguments: '{"n":3000}', max_message_bytes: 2000, result: 'none' };
        const small = grpcClient(`127.0.0.1:${gateway.port}`, { 'grpc.max_receive_message_length': 2000 });
        const told = await events(small.CallStream(request, keyMetadata()));
        const chunks = told.flatMap(({ chunks: batch }) => [...(batch?.json ?? []), ...(batch?.bytes ?? [])]);
        expect(chunks, tool).to.have.length(3000);
        small.close();
      }
    });
  });

  describe('whose client asks for chunks as lines', () => {
    before(() => start());
    after(stop);

    const PAD = 40;
    const asked = (tool: string, n: number, more: object = {}) => ({
      tool,
      arguments: JSON.stringify(tool === 'count' ? { n, pad: PAD } : { n }),
      chunk_lines: true,
      result: 'none',
      ...more,
    });
    /** Each chunk as it came, JSON text or bytes; the index of every batch is looked at. */
    const chunksOf = (told: readonly Any[]): (string | Buffer)[] => {
      const all: (string | Buffer)[] = [];
      for (const { chunks } of told) {
        if (!chunks) continue;
        expect(chunks.index).to.equal(all.length);
        expect(chunks.json).to.deep.equal([]);
        expect(chunks.lines === '').to.equal(chunks.bytes.length > 0);
        all.push(...(chunks.lines === '' ? chunks.bytes : chunks.lines.split('\n')));
      }
      return all;
    };

    it('has them as one text a batch, the same as without', async () => {
      const told = await events(client.CallStream(asked('count', 5000), keyMetadata()));
      const plain = await events(
        client.CallStream({ ...asked('count', 5000), chunk_lines: false }, keyMetadata()),
      );
      const chunks = chunksOf(told);
      expect(chunks).to.deep.equal(plain.flatMap((event) => event.chunks?.json ?? []));
      expect(chunks).to.have.length(5000);
      expect(told[0].started.tool).to.equal('count');
      expect(told.at(-1).result.chunks).to.equal(5000);
      expect(plain.every((event) => !event.chunks?.lines)).to.equal(true);
    });

    it('has bytes as bytes, and text beyond ASCII, in order', async () => {
      const told = await events(client.CallStream(asked('mixed', 1000), keyMetadata()));
      for (const [i, chunk] of chunksOf(told).entries()) {
        if (typeof chunk === 'string') expect(JSON.parse(chunk)).to.deep.equal({ i, text: 'ä' });
        else expect([...chunk]).to.deep.equal([i & 255]);
      }
      expect(told.at(-1).result.chunks).to.equal(1000);
    });

    it('keeps within what its client takes, and fails with a chunk that is larger', async () => {
      const small = grpcClient(`127.0.0.1:${gateway.port}`, { 'grpc.max_receive_message_length': 2000 });
      for (const tool of ['mixed', 'count']) {
        const request = asked(tool, 3000, { max_message_bytes: 2000 });
        const told = await events(small.CallStream(request, keyMetadata()));
        expect(chunksOf(told), tool).to.have.length(3000);
      }
      const request = asked('count', 1, { arguments: '{"n":1,"pad":3000}', max_message_bytes: 2000 });
      const refused = await refusal(events(small.CallStream(request, keyMetadata())));
      expect(detailOf(refused).code).to.equal('result_too_large');
      small.close();
    });

    it('has them so in a session, call by call', async () => {
      const session = client.CallSession(keyMetadata());
      session.write({ id: 'lines', call: asked('count', 100) });
      session.write({ id: 'list', call: { ...asked('count', 100), chunk_lines: false } });
      session.end();
      const told = await events(session);
      const of = (id: string) => told.filter((one) => one.id === id).map(({ event }) => event);
      expect(chunksOf(of('lines'))).to.deep.equal(of('list').flatMap((event) => event.chunks?.json ?? []));
    });

    it('has the rest so when it comes back for its call', async () => {
      const request = asked('count', 300, {
        arguments: '{"n":300,"delayMs":1}',
        detach_s: 60,
        idempotency_key: 'lines',
      });
      const stream = client.CallStream(request, keyMetadata());
      stream.on('error', () => {});
      await once(stream, 'data');
      stream.cancel();
      expect(chunksOf(await events(client.CallStream(request, keyMetadata())))).to.have.length(300);
    });
  });

  describe('with one large message', () => {
    afterEach(stop);

    const MIB = 1024 * 1024;
    /** Asks for a message of 6 MiB as an HTTP/2 client that reads only when it is told to. */
    const ask = (): ClientHttp2Stream => {
      const session = connect(gateway.url);
      session.on('error', () => {});
      const text = JSON.stringify({ n: 6 * MIB });
      const message = Buffer.from(
        `\x0a\x09one_large\x12${String.fromCharCode(text.length)}${text}\x38\x80\x80\x80\x08`,
        'latin1',
      );
      const head = Buffer.from([0, 0, 0, 0, message.length]);
      const stream = session.request({
        ':method': 'POST',
        ':path': '/mcp.gateway.v1.McpGateway/Call',
        'content-type': 'application/grpc',
        'x-api-key': 'super-secret',
      });
      stream.on('error', () => {});
      stream.on('close', () => session.destroy());
      stream.end(Buffer.concat([head, message]));
      return stream;
    };

    it('is given up when nothing of it is read, and holds little meanwhile', async () => {
      await start({ streamStallMs: 1000 });
      const before = (await stats()).transports.grpc;
      const stream = ask();
      await closed(stream);
      expect(stream.rstCode).to.equal(11); // ENHANCE_YOUR_CALM
      const { slowConsumers, bytes } = (await stats()).transports.grpc;
      expect(slowConsumers).to.equal(before.slowConsumers + 1);
      expect(bytes).to.be.below(MIB);
    });

    it('is waited for while it is read slowly', async () => {
      const stallMs = 4000; // longer than a machine that is busy holds the reader up by itself
      await start({ streamStallMs: stallMs });
      const begunAt = performance.now();
      const stream = ask();
      let bytes = 0;
      let trailers: Any;
      stream.on('trailers', (got) => {
        trailers = got;
      });
      stream.on('data', (part: Buffer) => {
        bytes += part.length;
        stream.pause();
        setTimeout(() => stream.resume(), (stallMs * 1.5 * part.length) / (6 * MIB));
      });
      await closed(stream);
      expect(performance.now() - begunAt).to.be.above(stallMs);
      expect(bytes).to.be.above(6 * MIB);
      expect(trailers['grpc-status']).to.equal('0');
    });
  });
});
