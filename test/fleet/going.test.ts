/** A gateway that goes sends its readers to another, and loses nothing. */
import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { eventually } from '../support/eventually.ts';
import { WireClient } from '../transports/mcp/wire-client.ts';
import { missingRedis } from './redis-server.ts';
import { SmallFleet } from './small-fleet.ts';

const HEADERS = { 'X-API-Key': 'super-secret', 'Content-Type': 'application/json' };

describe('a gateway of a fleet that goes', function () {
  this.timeout(60_000);
  let fleet: SmallFleet;
  let going: string;
  let other: string;

  beforeEach(async function () {
    if (missingRedis() !== undefined) this.skip();
    fleet = await SmallFleet.start({ drainTimeoutMs: 20_000, minWorkers: 6, maxWorkers: 6 });
    [going, other] = fleet.urls;
  });
  afterEach(() => fleet?.close());

  const post = (url: string, path: string, args: object, headers = {}) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { ...HEADERS, ...headers },
      body: JSON.stringify({ arguments: args }),
    });
  /** Begins a stream that waits for its reader, reads some of it and leaves. @returns its id, and what was read. */
  async function beginAt(url: string, args: object) {
    const response = await fetch(`${url}/tools/once/stream`, {
      method: 'POST',
      headers: HEADERS,
      body: JSON.stringify({ arguments: args, detach: 20 }),
    });
    let text = '';
    for await (const part of (response.body as ReadableStream<Uint8Array>).pipeThrough(
      new TextDecoderStream() as never,
    ) as unknown as AsyncIterable<string>) {
      text += part;
      if (indexesIn(text).length > 3) break;
    }
    return { callId: response.headers.get('x-call-id'), text };
  }
  /** What comes to who has read `text` of the call. */
  const readOn = (url: string, callId: string | null, text: string) => {
    const after = [...text.matchAll(/^id: ([\w-]+\.\d+)$/gm)].at(-1)?.[1] ?? '';
    return fetch(`${url}/calls/${callId}/events`, { headers: { ...HEADERS, 'Last-Event-ID': after } });
  };
  const running = async (url: string) => {
    const { calls } = (await (await fetch(`${url}/calls`, { headers: HEADERS })).json()) as {
      calls: { status: string }[];
    };
    return calls.filter(({ status }) => status === 'running').length;
  };
  const isDraining = async (url: string) => (await fetch(`${url}/health/ready`)).status === 503;
  const indexesIn = (text: string) => [...text.matchAll(/"index":(\d+)/g)].map(([, index]) => Number(index));

  it('sends streams away with a hint, and they go on elsewhere without a hole', async () => {
    const until = fleet.newFile();
    const counting = { count: 100, everyMs: 10, until };
    const socket = new WebSocket(`${going.replace('http', 'ws')}/ws/tools/again`, { headers: HEADERS });
    await new Promise((resolve) => socket.once('open', resolve));
    const frames: string[] = [];
    socket.on('message', (data) => frames.push(String(data)));
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    socket.send(JSON.stringify({ id: 1, arguments: counting, detach: 20 }));
    const [events, lines] = await Promise.all([
      post(going, '/tools/again/stream', counting),
      post(going, '/tools/once/stream', counting, { Accept: 'application/x-ndjson' }),
    ]);
    const keyed = { 'Idempotency-Key': 'going' };
    const waiting = post(going, '/tools/once', counting, keyed);
    const quick = post(going, '/tools/once', counting);
    const texts = Promise.all([events.text(), lines.text()]);
    await eventually(async () => frames.length > 3 && (await running(going)) >= 4);

    const gone = fleet.gateways[1]?.close();
    const [told, ndjson] = await texts;
    expect(told)
      .to.match(/\nretry: 500\n\n$/)
      .and.not.to.contain('event: done');
    expect(ndjson).not.to.contain('"complete"');
    expect(await closed).to.equal(1012);
    expect((await waiting).status).to.equal(503);
    expect((await waiting).headers.get('retry-after')).to.equal('1');
    // What cannot come back is waited for.
    writeFileSync(until, '');
    expect((await quick).status).to.equal(200);
    await gone;

    const callId = events.headers.get('x-call-id');
    const ids = [...told.matchAll(/^id: [\w-]+\.(\d+)$/gm)].map(([, id]) => Number(id));
    const headers = { ...HEADERS, 'Last-Event-ID': `${callId}.${ids.at(-1)}` };
    const rest = await (await fetch(`${other}/calls/${callId}/events`, { headers })).text();
    const all = [...indexesIn(told), ...indexesIn(rest)];
    expect(all)
      .to.deep.equal(all.map((_, at) => at))
      .and.to.have.length.of.at.least(100);
    expect(rest).to.contain('{"status":"complete"}');
    const again = await post(other, '/tools/once', counting, keyed);
    expect([again.status, again.headers.get('idempotent-replay')]).to.deep.equal([200, 'true']);
  });

  it('sends who comes to it while it goes to another as well, over SSE and MCP, and the calls go on', async () => {
    const until = fleet.newFile();
    const counting = { count: 100, everyMs: 10, until };
    const there = new WireClient(`${other}/mcp`);
    await there.initialize('2025-11-25');
    const here = there.at(`${going}/mcp`);
    const asked = there.tool('once', counting, 'call', { progressToken: 'p' });
    await asked.message(5);
    const begun = await beginAt(other, counting);
    // What cannot come back keeps the gateway from being gone.
    const quick = post(going, '/tools/once', counting);
    await eventually(async () => (await running(going)) === 3);
    const gone = fleet.gateways[1]?.close();
    await eventually(() => isDraining(going));

    const told = await (await readOn(going, begun.callId, begun.text)).text();
    expect(told)
      .to.match(/retry: 500\n\n$/)
      .and.not.to.contain('event: done');
    asked.leave();
    const { lastEventId } = await asked.done;
    const sent = await here.listen({ 'last-event-id': String(lastEventId) }).done;
    expect([sent.status, sent.messages.filter(({ id }) => id !== undefined)]).to.deep.equal([200, []]);
    writeFileSync(until, '');
    expect((await quick).status).to.equal(200);
    await gone;

    const all = begun.text + told;
    const rest = await (await readOn(other, begun.callId, all)).text();
    const indexes = indexesIn(all + rest);
    expect(indexes).to.deep.equal(indexes.map((_, at) => at));
    expect(rest).to.contain('{"status":"complete"}');
    const { last } = await there.listen({ 'last-event-id': String(sent.lastEventId) }).done;
    expect([last?.id, last?.error, last?.result?.['isError']]).to.deep.equal(['call', undefined, undefined]);
  });

  it('lets a call that came to it end, where it is the only one', async () => {
    const until = fleet.newFile();
    const begun = await beginAt(other, { count: 100, everyMs: 10, until });
    await fleet.gateways[2]?.close();
    const taken = await readOn(going, begun.callId, begun.text);
    const gone = fleet.gateways[1]?.close();
    await eventually(() => isDraining(going));
    writeFileSync(until, '');
    const rest = await taken.text();
    const indexes = indexesIn(begun.text + rest);
    expect(indexes).to.deep.equal(indexes.map((_, at) => at));
    expect(rest).to.contain('{"status":"complete"}');
    await gone;
  });

  it('keeps a call that waits for a host until one has begun it', async () => {
    const until = fleet.newFile();
    const stream = (name: string, args: object) => post(going, `/tools/${name}/stream`, args);
    const counting = { count: 5, everyMs: 10 };
    // As many as the host has places for.
    const running = await Promise.all(
      Array.from({ length: 6 }, () => stream('once', { ...counting, until })),
    );
    const waiting = await stream('once', counting);
    const gone = fleet.gateways[1]?.close();
    for (const response of running) expect(await response.text()).to.match(/retry: 500\n\n$/);
    let isOver = false;
    const over = waiting.text().then(() => {
      isOver = true;
    });
    const state = async () => {
      const response = await fetch(`${other}/calls/${waiting.headers.get('x-call-id')}`, {
        headers: HEADERS,
      });
      return ((await response.json()) as { status: string }).status;
    };
    expect([await state(), isOver]).to.deep.equal(['queued', false]);
    writeFileSync(until, '');
    await Promise.all([over, gone]);
    await eventually(async () => (await state()) === 'success');
  });
});
