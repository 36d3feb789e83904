/** SSE and NDJSON, where they are more than the shared behaviour: heads, heartbeats, slow readers, leaks. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { expect } from 'chai';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { ToolError } from '../../lib/call/tool-error.ts';
import { eventually } from '../support/eventually.ts';
import { endOf, failure, flood, result, type Script } from './scripted-runner.ts';
import { JSON_POST, type Started, startTransports } from './start-transports.ts';

const HOSTILE = 'x\n\nevent: done\ndata: {"forged":1}\r\rid: 9\u2028\u0000';

let release: () => void = () => {};
/** Lets go on what comes to wait, after a while: from now on, since nobody knows how long a request takes to arrive. */
async function releasing<T>(everyMs: number, what: Promise<T>): Promise<T> {
  const timer = setInterval(() => release(), everyMs);
  try {
    return await what;
  } finally {
    clearInterval(timer);
  }
}
const scripts: Record<string, Script> = {
  steps: async function* () {
    yield { type: 'started' };
    yield { type: 'progress', progress: 1, total: 3, message: 'Loading data...' };
    yield { type: 'progress', progress: 2, total: null, message: '' };
    yield { type: 'chunks', index: 0, items: ['{"a":1}', '"b"'] };
    yield { type: 'log', level: 'info', message: 'not for clients' };
    yield { type: 'chunks', index: 2, items: ['null'] };
    yield result([{ a: 1 }, 'b', null], 3, { nextCursor: 'c' });
  },
  omitted: async function* () {
    yield { type: 'started' };
    yield { type: 'chunks', index: 0, items: ['1'] };
    yield result(undefined, 1);
  },
  hostile: async function* () {
    yield { type: 'started' };
    yield { type: 'progress', progress: 1, total: null, message: HOSTILE };
    yield { type: 'chunks', index: 0, items: [JSON.stringify(HOSTILE)] };
    yield failure(new ToolError('not_found', HOSTILE, { details: { HOSTILE } }), 1);
  },
  late: async function* () {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    yield { type: 'started' };
    yield result('late');
  },
  refused: async function* () {
    yield failure(new ToolError('overloaded', 'the queue is full'));
  },
  silent: async function* () {
    yield { type: 'started' };
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    yield result('spoken');
  },
  flood,
  heavy: async function* () {
    yield result('z'.repeat(48 * 1024 * 1024));
  },
  huge: async function* () {
    yield { type: 'started' };
    yield { type: 'chunks', index: 0, items: [JSON.stringify('é'.repeat(2_000_000))] };
    yield { type: 'chunks', index: 1, items: ['2'] };
    yield result('y'.repeat(1_000_000), 2);
  },
};

describe('a streamed answer', () => {
  let served: Started;
  const stream = (tool: string, accept = 'text/event-stream', body = '{}') =>
    fetch(`${served.url}/tools/${tool}/stream`, {
      ...JSON_POST,
      headers: { ...JSON_POST.headers, accept },
      body,
    });
  const linesOf = async (tool: string) =>
    (await (await stream(tool, 'application/x-ndjson')).text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

  async function eventsOf(tool: string): Promise<EventSourceMessage[]> {
    const events: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (event) => events.push(event) });
    parser.feed(await (await stream(tool)).text());
    return events;
  }

  /** Opens a stream whose body nobody reads. */
  async function unread(tool: string, { url }: Started): Promise<IncomingMessage> {
    const request = httpRequest(`${url}/tools/${tool}/stream`, JSON_POST).end('{}');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.on('error', () => {});
    return response;
  }

  before(async () => {
    served = await startTransports(scripts);
  });
  after(() => served.close());

  it('writes SSE to the letter: id, event, data, one space, one line each', async () => {
    const response = await stream('steps');
    const id = response.headers.get('x-call-id');
    expect(response.headers.get('content-type')).to.equal('text/event-stream');
    expect(response.headers.get('cache-control')).to.include('no-transform');
    expect(response.headers.get('x-accel-buffering')).to.equal('no');
    expect(await response.text()).to.equal(
      [
        `id: ${id}.1\nevent: progress\ndata: {"progress":1,"total":3,"message":"Loading data..."}\n\n`,
        `id: ${id}.2\nevent: progress\ndata: {"progress":2,"total":null,"message":""}\n\n`,
        `id: ${id}.3\nevent: chunk\ndata: {"index":0,"data":{"a":1}}\n\n`,
        `id: ${id}.4\nevent: chunk\ndata: {"index":1,"data":"b"}\n\n`,
        `id: ${id}.5\nevent: chunk\ndata: {"index":2,"data":null}\n\n`,
        `id: ${id}.6\nevent: result\ndata: {"status":"success","data":[{"a":1},"b",null],"chunks":3,"meta":{"nextCursor":"c"}}\n\n`,
        `id: ${id}.7\nevent: done\ndata: {"status":"complete"}\n\n`,
      ].join(''),
    );
  });

  it('writes NDJSON as envelopes, started first and complete last', async () => {
    const response = await stream('steps', 'application/x-ndjson');
    const callId = response.headers.get('x-call-id');
    const lines = (await response.text()).split('\n');
    expect(lines).to.deep.equal([
      `{"event":"started","tool":"steps","callId":"${callId}","seq":0}`,
      '{"event":"progress","progress":1,"total":3,"message":"Loading data...","seq":1}',
      '{"event":"progress","progress":2,"total":null,"message":"","seq":2}',
      '{"event":"chunk","index":0,"data":{"a":1},"seq":3}',
      '{"event":"chunk","index":1,"data":"b","seq":4}',
      '{"event":"chunk","index":2,"data":null,"seq":5}',
      '{"event":"complete","status":"success","data":[{"a":1},"b",null],"chunks":3,"durationMs":1,"meta":{"nextCursor":"c"},"seq":7}',
      '',
    ]);
  });

  it('marks a repeat that was left out', async () => {
    const events = await eventsOf('omitted');
    expect(events.at(-2)?.data).to.equal('{"status":"success","data":null,"omitted":true,"chunks":1}');
    expect((await linesOf('omitted')).at(-1)).to.include({ status: 'success', data: null, omitted: true });
  });

  it('lets neither a message, a chunk nor an error forge an event', async () => {
    const events = await eventsOf('hostile');
    expect(events.map(({ event }) => event)).to.deep.equal(['progress', 'chunk', 'error', 'done']);
    expect(JSON.parse(events[0]?.data ?? '').message).to.equal(HOSTILE);
    expect(JSON.parse(events[1]?.data ?? '').data).to.equal(HOSTILE);
    expect(JSON.parse(events[2]?.data ?? '')).to.deep.include({ message: HOSTILE, details: { HOSTILE } });
    expect((await linesOf('hostile')).map(({ event }) => event)).to.deep.equal([
      'started',
      'progress',
      'chunk',
      'error',
      'complete',
    ]);
  });

  it('keeps the real status of a call that never started', async () => {
    for (const accept of ['text/event-stream', 'application/x-ndjson']) {
      const response = await stream('refused', accept);
      expect([response.status, response.headers.get('retry-after')]).to.deep.equal([503, '1']);
      expect(response.headers.get('content-type')).to.match(/^application\/problem\+json/);
    }
  });

  describe('that is late, or silent', () => {
    let usual: Started;
    // Elsewhere a machine that is busy could be late or silent by itself.
    before(async () => {
      usual = served;
      served = await startTransports(scripts, { heartbeatMs: 40, headDelayMs: 40 });
    });
    after(async () => {
      await served.close();
      served = usual;
    });

    it('sends its head, and comments, to who waits long for a start', async () => {
      const response = await stream('late');
      expect(response.status).to.equal(200);
      const reader = (response.body as ReadableStream<Uint8Array>)
        .pipeThrough(new TextDecoderStream())
        .getReader();
      expect((await reader.read()).value).to.match(/^(:\n\n)+$/);
      release();
      let text = '';
      for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
      expect(text).to.match(/event: result\n/);
      const lines = await releasing(80, linesOf('late'));
      expect(lines.map(({ event }) => event)).to.deep.equal(['started', 'complete']);
    });

    it('writes a comment into the silence of SSE and nothing into that of NDJSON', async () => {
      const response = await stream('silent');
      const reader = (response.body as ReadableStream<Uint8Array>)
        .pipeThrough(new TextDecoderStream())
        .getReader();
      expect((await reader.read()).value).to.match(/^(:\n\n)+$/);
      release();
      await reader.cancel();
      const ndjson = await stream('silent', 'application/x-ndjson');
      const text = await releasing(150, ndjson.text());
      expect(text.match(/^\{"event":"started".*\n\{"event":"complete".*\n$/)).to.not.equal(null);
    });

    it('cancels the call of a reader that leaves, and writes nothing more', async () => {
      for (const tool of ['flood', 'silent', 'late']) {
        const request = httpRequest(`${served.url}/tools/${tool}/stream`, JSON_POST).end('{}');
        request.on('error', () => {});
        const [response] = (await once(request, 'response')) as [IncomingMessage];
        response.destroy();
        expect(await endOf(served.runner.calls.at(-1)), tool).to.have.nested.property(
          'error.code',
          'cancelled',
        );
        release();
      }
      await eventually(() => served.meters.sse.streams + served.meters.sse.connections === 0);
    });
  });

  it('sends texts of megabytes whole and in order', async () => {
    const events = await eventsOf('huge');
    expect(events.map(({ event }) => event)).to.deep.equal(['chunk', 'chunk', 'result', 'done']);
    expect(JSON.parse(events[0]?.data ?? '').data).to.equal('é'.repeat(2_000_000));
    expect(JSON.parse(events[2]?.data ?? '').data).to.have.length(1_000_000);
    expect((await linesOf('huge')).map(({ event }) => event)).to.deep.equal([
      'started',
      'chunk',
      'chunk',
      'complete',
    ]);
  });

  it('destroys the stream of a reader that stands still, counts it and logs it', async () => {
    const strict = await startTransports(scripts, { streamStallMs: 400 });
    const response = await unread('flood', strict);
    const call = strict.runner.calls.at(-1);
    expect(await endOf(call)).to.have.nested.property('error.code', 'slow_consumer');
    await eventually(() => strict.meters.sse.slowConsumers === 1);
    expect(strict.logged.at(-1)).to.equal('warning: a reader made no progress; its stream was destroyed');
    const closed = new Promise((resolve) => response.on('close', resolve));
    response.resume();
    await closed;
    expect(response.complete).to.equal(false);
    await strict.close();
  });

  it('drops a sync answer that nobody takes', async () => {
    const strict = await startTransports(scripts, { streamStallMs: 400 });
    const request = httpRequest(`${strict.url}/tools/heavy`, JSON_POST).end('{}');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const failed = new Promise((resolve) => response.on('error', resolve));
    await eventually(() => strict.meters.http.slowConsumers === 1);
    response.resume();
    expect(await failed).to.have.property('code', 'ECONNRESET');
    await strict.close();
  });

  it('leaves no timer, stream or listener behind', async () => {
    await (await stream('steps')).text();
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    for (let n = 0; n < 30; n++) await (await stream(n % 2 ? 'steps' : 'hostile')).text();
    await eventually(() => timers() <= before + 1, { what: 'an end of the timers' });
    await eventually(() => served.meters.sse.streams + served.meters.ndjson.streams === 0);
    expect(served.meters.sse.bytes).to.be.above(10_000);
  });
});
