/** Readers who come back for the rest of a call, over HTTP: what they get, and what the tool notices of it. */
import { expect } from 'chai';
import { DrainGate } from '../../lib/async/drain-gate.ts';
import type { ToolEvent } from '../../lib/call/call-events.ts';
import { ToolError } from '../../lib/call/tool-error.ts';
import { eventually } from '../support/eventually.ts';
import { endOf, failure, flood, result, type Script } from './scripted-runner.ts';
import { JSON_POST, KEY, type Started, type StartOptions, startTransports } from './start-transports.ts';

interface Listed {
  readonly callId: string;
  readonly tool: string;
  readonly status: string;
  readonly chunks: number;
  readonly startedAt: string;
  readonly error?: object;
}

const NDJSON = 'application/x-ndjson';
const SSE = 'text/event-stream';

describe('a call that its reader comes back for', () => {
  let served: Started;
  let runs = 0;
  const gate = new DrainGate();
  const batch = (index: number, count: number): ToolEvent => ({
    type: 'chunks',
    index,
    items: Array.from({ length: count }, (_, at) => JSON.stringify({ n: index + at })),
  });
  const scripts: Record<string, Script> = {
    async *steps() {
      runs++;
      yield { type: 'started' };
      yield { type: 'progress', progress: 1, total: 2, message: 'é' };
      yield batch(0, 5);
      yield { type: 'progress', progress: 2, total: 2, message: '' };
      yield batch(5, 3);
      yield result([1], 8, { a: 1 });
    },
    /** Waits in the middle until the gate is opened. */
    async *halves() {
      runs++;
      yield { type: 'started' };
      yield batch(0, 3);
      await gate.opened();
      yield batch(3, 3);
      yield result(null, 6);
    },
    async *fails() {
      runs++;
      yield { type: 'started' };
      yield batch(0, 1);
      yield failure(new ToolError('tool_failed', 'no luck', { details: { why: 'x' } }), 1);
    },
    async *wide() {
      yield { type: 'started' };
      const items = Array<string>(10).fill(JSON.stringify('x'.repeat(2000)));
      for (let index = 0; index < 200; index += 10) yield { type: 'chunks', index, items };
      yield result(null, 200);
    },
    async *quick() {
      yield { type: 'started' };
      yield result(1);
    },
    /** A flood that begins when the gate is opened. */
    async *late(context) {
      yield { type: 'started' };
      yield batch(0, 1);
      await gate.opened();
      yield* flood(context);
    },
  };
  const start = async (options: StartOptions = {}) => {
    served = await startTransports(scripts, { heartbeatMs: 40, ...options });
  };
  beforeEach(() => {
    runs = 0;
  });
  afterEach(() => served.close());

  const post = (
    tool: string,
    headers: Record<string, string> = {},
    body: object = {},
    signal?: AbortSignal,
  ) =>
    fetch(`${served.url}/tools/${tool}/stream`, {
      ...JSON_POST,
      headers: { ...JSON_POST.headers, ...headers },
      body: JSON.stringify(body),
      ...(signal && { signal }),
    });
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(served.url + path, { headers: { ...KEY, ...headers } });
  const codeOf = async (response: Response) => [
    response.status,
    ((await response.json()) as { code: string }).code,
  ];
  const callIdOf = (response: Response) => response.headers.get('x-call-id') ?? '';
  /** The parts of a stream, each with its end. */
  const parts = (text: string, mediaType: string) =>
    text.split(mediaType === SSE ? /(?<=\n\n)/ : /(?<=\n)/).filter((part) => !part.startsWith(':'));
  /** All of a stream but its comments: on a machine that is held up one may come anywhere. */
  const told = async (response: Response, mediaType: string) =>
    parts(await response.text(), mediaType).join('');
  const seqOf = (part: string) =>
    Number(/^id: [\w-]+\.(\d+)\n|"seq":(\d+)\}\n$/.exec(part)?.slice(1).find(Boolean));
  /** Reads a stream until it has told so many parts. */
  async function readParts(response: Response, count: number): Promise<string[]> {
    let text = '';
    const decoder = new TextDecoder();
    for await (const bytes of response.body ?? []) {
      text += decoder.decode(bytes, { stream: true });
      const come = parts(text, SSE);
      if (come.length >= count) return come.slice(0, count);
    }
    throw new Error(`only this came: ${text}`);
  }

  for (const mediaType of [SSE, NDJSON]) {
    for (const tool of ['steps', 'fails']) {
      it(`gets what followed each event of ${tool}, byte for byte as ${mediaType}`, async () => {
        await start();
        const first = await post(tool, { Accept: mediaType });
        const callId = callIdOf(first);
        const all = parts(await first.text(), mediaType);
        const numbers = all.map(seqOf);
        const last = numbers.at(-1) ?? 0;
        for (let after = 0; after < last; after++) {
          const rest = all.filter((_, at) => Number(numbers[at]) > after).join('');
          const id = { Accept: mediaType, 'Last-Event-ID': `${callId}.${after}` };
          for (const again of [() => post(tool, id), () => get(`/calls/${callId}/events`, id)]) {
            const response = await again();
            expect(response.headers.get('content-type')).to.equal(mediaType);
            expect(callIdOf(response)).to.equal(callId);
            expect(await told(response, mediaType), `after ${after}`).to.equal(rest);
          }
          const query = await get(`/calls/${callId}/events?after=${after}`, { Accept: mediaType });
          expect(await told(query, mediaType)).to.equal(rest);
        }
        const again = await get(`/calls/${callId}/events`, { Accept: mediaType });
        expect(await told(again, mediaType)).to.equal(all.join(''));
        for (const after of [last, last + 1, 'moved']) {
          const id = { Accept: mediaType, 'Last-Event-ID': `${callId}.${after}` };
          expect((await post(tool, id)).status).to.equal(204);
          expect((await get(`/calls/${callId}/events`, id)).status).to.equal(204);
        }
        expect(runs).to.equal(1);
      });
    }
  }

  it('numbers alike for SSE and NDJSON, which has a start and no result', async () => {
    await start();
    const sse = await post('steps');
    const ndjson = await get(`/calls/${callIdOf(sse)}/events`, { Accept: NDJSON });
    expect(parts(await sse.text(), SSE).map(seqOf)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(parts(await ndjson.text(), NDJSON).map(seqOf)).to.deep.equal([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12,
    ]);
  });

  it('is cancelled when its reader leaves, and told so to who comes back; never run again', async () => {
    await start();
    const cut = new AbortController();
    const first = await post('halves', {}, {}, cut.signal);
    const begun = await readParts(first, 2);
    cut.abort();
    await endOf(served.runner.calls[0]);
    const again = await post('halves', { 'Last-Event-ID': `${callIdOf(first)}.${seqOf(begun[1] ?? '')}` });
    const rest = parts(await again.text(), SSE);
    expect(rest.map(seqOf)).to.deep.equal([3, 4, 5]);
    expect(rest[1]).to.contain('event: error\ndata: {"code":"cancelled"');
    expect(rest[2]).to.contain('event: done\ndata: {"status":"cancelled"}');
    expect(runs).to.equal(1);
  });

  it('has one reader: a newer one takes over, and the older is told so', async () => {
    await start();
    const older = await post('halves');
    const callId = callIdOf(older);
    const olderNdjson = await get(`/calls/${callId}/events`, { Accept: NDJSON });
    expect(await told(older, SSE)).to.match(
      new RegExp(
        `${callId}\\.3\\n.*\\n.*\\n\\nid: ${callId}\\.moved\\nevent: done\\ndata: {"status":"moved"}\\n\\n$`,
      ),
    );
    const newest = await get(`/calls/${callId}/events?after=2`);
    const lines = (await olderNdjson.text()).trim().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).to.include({ event: 'complete', status: 'moved', chunks: 3 });
    await eventually(() => served.meters.sse.streams === 1);
    gate.open();
    expect(parts(await newest.text(), SSE).map(seqOf)).to.deep.equal([3, 4, 5, 6, 7, 8]);
    expect(runs).to.equal(1);
  });

  it('is 410 where some of the rest is no longer kept, and goes on where all of it is', async () => {
    await start({ resumeBytes: 64 * 1024 });
    const first = await post('wide');
    const all = parts(await first.text(), SSE);
    const path = `/calls/${callIdOf(first)}/events`;
    expect(await codeOf(await get(path))).to.deep.equal([410, 'gone']);
    expect(await codeOf(await get(`${path}?after=100`))).to.deep.equal([410, 'gone']);
    expect(await codeOf(await post('wide', { 'Last-Event-ID': `${callIdOf(first)}.100` }))).to.deep.equal([
      410,
      'gone',
    ]);
    expect(await told(await get(`${path}?after=185`), SSE)).to.equal(all.slice(185).join(''));
  });

  it('is unknown to another key, under another tool, when it was plain, and when its time is over', async () => {
    await start({ resumeTtlMs: 50 });
    const first = await post('quick');
    const callId = callIdOf(first);
    await first.text();
    const events = `/calls/${callId}/events`;
    const unknown = [404, 'call_not_found'];
    const id = { 'Last-Event-ID': `${callId}.1` };
    expect(await codeOf(await get(events, { 'X-API-Key': 'second' }))).to.deep.equal(unknown);
    expect(await codeOf(await get(`/calls/${callId}`, { 'X-API-Key': 'second' }))).to.deep.equal(unknown);
    expect(await codeOf(await post('quick', { ...id, 'X-API-Key': 'second' }))).to.deep.equal(unknown);
    expect(await codeOf(await post('steps', id))).to.deep.equal(unknown);
    const plain = await fetch(`${served.url}/tools/quick`, { ...JSON_POST, body: '{}' });
    await plain.text();
    expect(await codeOf(await get(`/calls/${callIdOf(plain)}/events`))).to.deep.equal(unknown);
    await eventually(async () => (await get(`/calls/${callId}`)).status === 404);
    expect(await codeOf(await post('quick', id))).to.deep.equal(unknown);
    expect(await codeOf(await get('/calls/nope/events'))).to.deep.equal(unknown);
  });

  it('refuses what is no place in the call, and ignores ids of other streams', async () => {
    await start();
    const first = await post('halves');
    const path = `/calls/${callIdOf(first)}/events`;
    for (const wrong of [`${path}?after=-1`, `${path}?after=x`, `${path}?after=`, `${path}?after=999`])
      expect(await codeOf(await get(wrong)), wrong).to.deep.equal([400, 'invalid_request']);
    for (const id of ['nope.1', 'x', `${callIdOf(first)}.-1`])
      expect((await get(path, { 'Last-Event-ID': id })).status, id).to.equal(400);
    expect(await codeOf(await get(path, { Accept: 'application/json' }))).to.deep.equal([
      406,
      'not_acceptable',
    ]);
    expect((await fetch(served.url + path, { method: 'HEAD', headers: KEY })).status).to.equal(200);
    expect((await fetch(served.url + path, { method: 'POST', headers: KEY })).status).to.equal(405);
    gate.open();
    expect(parts(await first.text(), SSE), 'nobody took it over').to.have.length(8);
    await (await post('quick', { 'Last-Event-ID': 'not-of-ours' })).text();
    expect(served.runner.calls).to.have.length(2);
  });

  it('makes the tool wait for who reads the rest, as for any reader', async () => {
    await start({ streamStallMs: 400 });
    const first = await post('late', { Accept: NDJSON });
    const cut = new AbortController();
    const again = await fetch(`${served.url}/calls/${callIdOf(first)}/events`, {
      headers: KEY,
      signal: cut.signal,
    });
    await first.text();
    gate.open();
    const end = await endOf(served.runner.calls[0]);
    expect(end.type === 'error' && end.error.code).to.equal('slow_consumer');
    expect(served.meters.sse.slowConsumers).to.equal(1);
    cut.abort();
    await again.text().catch(() => undefined);
  });

  it('is forgotten oldest first when all calls together are too much', async () => {
    await start({ resumeTotalBytes: 64 * 1024 });
    const ids: string[] = [];
    for (let made = 0; made < 100; made++) {
      const response = await post('quick');
      await response.text();
      ids.push(callIdOf(response));
    }
    const { calls } = (await (await get('/calls')).json()) as { calls: Listed[] };
    expect(calls.length).to.be.within(20, 70);
    expect(calls.map(({ callId }) => callId)).to.deep.equal(ids.slice(-calls.length));
  });

  it('is listed while it runs and while it is kept, with its end where one asks for it alone', async () => {
    await start();
    const running = await post('halves');
    const madeBy = Date.now(); // the list is in the order of milliseconds
    await eventually(() => Date.now() > madeBy);
    const plain = fetch(`${served.url}/tools/halves`, { ...JSON_POST, body: '{}' });
    await eventually(() => served.runner.calls.length === 2);
    const failed = await post('fails');
    await failed.text();
    const other = await post('quick', { 'X-API-Key': 'second' });
    await other.text();
    const { calls } = (await (await get('/calls')).json()) as { calls: Listed[] };
    expect(calls.map(({ tool, status, chunks }) => [tool, status, chunks])).to.deep.equal([
      ['halves', 'running', 3],
      ['halves', 'running', 0],
      ['fails', 'error', 1],
    ]);
    const error = (await (await get(`/calls/${callIdOf(failed)}`)).json()) as Listed;
    expect(error).to.include({
      callId: callIdOf(failed),
      tool: 'fails',
      status: 'error',
      chunks: 1,
      durationMs: 1,
    });
    expect(error.error).to.deep.include({ code: 'tool_failed', message: 'no luck', details: { why: 'x' } });
    expect(new Date(error.startedAt).toISOString()).to.equal(error.startedAt);
    expect(await (await get(`/calls/${calls[1]?.callId}`)).json()).to.include({
      status: 'running',
      tool: 'halves',
    });
    gate.open();
    await running.text();
    await (await plain).text();
    const done = await (await get(`/calls/${callIdOf(running)}`)).json();
    expect(done).to.deep.include({ status: 'success', chunks: 6, data: null });
    expect((await get(`/calls/${calls[1]?.callId}`)).status, 'plain, and ended').to.equal(404);
  });
});
