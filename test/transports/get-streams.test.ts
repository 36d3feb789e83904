/** Streams by GET, for clients that can send neither bodies nor headers; and that nobody else can make them run. */
import { EventEmitter, once } from 'node:events';
import { expect } from 'chai';
import { ToolError } from '../../lib/call/tool-error.ts';
import { readEvents, type SentEvent } from '../support/sse-events.ts';
import { rawExchange } from './raw-http.ts';
import { failure, result, type Script } from './scripted-runner.ts';
import { KEY, type Started, type StartOptions, startTransports } from './start-transports.ts';

describe('a stream by GET', () => {
  let served: Started;
  let runs = 0;
  const gate = new EventEmitter();
  const scripts: Record<string, Script> = {
    reads: async function* (call) {
      runs++;
      yield { type: 'started' };
      yield { type: 'chunks', index: 0, items: [JSON.stringify(call.arguments)] };
      yield result(undefined, 1);
    },
    waits: async function* ({ signal }) {
      runs++;
      yield { type: 'started' };
      yield { type: 'chunks', index: 0, items: ['1'] };
      await Promise.race([once(gate, 'go'), once(signal, 'abort')]);
      yield { type: 'chunks', index: 1, items: ['2'] };
      yield result(undefined, 2);
    },
    writes: async function* () {
      runs++;
      yield { type: 'started' };
      yield result('written');
    },
    fullOnce: async function* () {
      if (runs++ === 0) return yield failure(new ToolError('overloaded', 'the queue is full'));
      yield { type: 'started' };
      yield result('in time');
    },
  };
  const start = async (options: StartOptions = {}) => {
    runs = 0;
    served = await startTransports(scripts, { ...options, reading: ['reads', 'waits', 'fullOnce'] });
  };
  afterEach(() => served.close());

  const get = (path: string, headers: Record<string, string> = {}) => fetch(served.url + path, { headers });
  const statusOf = async (answer: ReturnType<typeof fetch>): Promise<number> => {
    const response = await answer;
    await response.text();
    return response.status;
  };
  const ticketOf = async (headers: Record<string, string> = KEY): Promise<string> => {
    const response = await fetch(`${served.url}/tickets`, { method: 'POST', headers });
    const { ticket, expiresInMs } = (await response.json()) as { ticket: string; expiresInMs: number };
    expect([response.status, expiresInMs, response.headers.get('cache-control')]).to.deep.equal([
      200,
      30_000,
      'no-store',
    ]);
    return ticket;
  };
  const eventsOf = async (response: Awaited<ReturnType<typeof fetch>>): Promise<SentEvent[]> => {
    const events: SentEvent[] = [];
    for await (const event of readEvents(response.body)) events.push(event);
    return events;
  };
  const reads = (query: string) => `/tools/reads/stream?${query}`;

  it('takes its arguments from the query, by a key’s header or by a ticket', async () => {
    await start();
    const query = `arguments=${encodeURIComponent('{"text":"é"}')}`;
    const ticket = await ticketOf();
    for (const answer of [get(reads(query), KEY), get(reads(`${query}&ticket=${ticket}`))]) {
      const response = await answer;
      expect(response.headers.get('cache-control')).to.include('no-store');
      const events = await eventsOf(response);
      expect(events.map(({ event }) => event)).to.deep.equal(['chunk', 'result', 'done']);
      expect(events[0]?.data).to.deep.equal({ index: 0, data: { text: 'é' } });
    }
    const lines = await (await get(reads(query), { ...KEY, Accept: 'application/x-ndjson' })).text();
    expect(lines).to.match(/^\{"event":"started"/);
  });

  it('runs what reads alone, and nothing by HEAD', async () => {
    await start();
    const refused = await get('/tools/writes/stream', KEY);
    expect([refused.status, refused.headers.get('allow')]).to.deep.equal([405, 'POST']);
    expect(((await refused.json()) as { code: string }).code).to.equal('method_not_allowed');
    const head = await fetch(served.url + reads(''), { method: 'HEAD', headers: KEY });
    expect([head.status, head.headers.get('content-type')]).to.deep.equal([200, 'text/event-stream']);
    expect(runs).to.equal(0);
  });

  it('refuses what a body with that content would be refused for', async () => {
    await start();
    const codes: unknown[] = [];
    for (const query of [
      'arguments={',
      'arguments=[]',
      'arguments=5',
      'timeoutMs=0',
      'detach=soon',
      'result=some',
    ]) {
      const response = await get(reads(query), KEY);
      codes.push([response.status, ((await response.json()) as { code: string }).code]);
    }
    const invalid = [400, 'invalid_request'];
    expect(codes).to.deep.equal([[400, 'parse_error'], invalid, invalid, invalid, invalid, invalid]);
    expect(await statusOf(get('/tools/nothing/stream', KEY))).to.equal(404);
    expect(await statusOf(get(reads(''), { ...KEY, Accept: 'application/json' }))).to.equal(406);
    expect(runs).to.equal(0);
  });

  it('needs a key or a ticket; wrong tickets are counted as wrong keys are', async () => {
    await start();
    expect(await statusOf(get(reads('')))).to.equal(401);
    const statuses: number[] = [];
    for (let n = 0; n < 12; n++) statuses.push(await statusOf(get(reads('ticket=wrong'))));
    expect(statuses).to.deep.equal([...new Array(10).fill(401), 429, 429]);
    expect(await statusOf(get(reads(`ticket=${await ticketOf()}`)))).to.equal(200);
    expect(runs).to.equal(1);
  });

  it('looks at no ticket beside a key: the key is what counts, good or wrong', async () => {
    await start();
    const ticket = await ticketOf();
    expect(await statusOf(get(reads('ticket=void'), KEY))).to.equal(200);
    expect(await statusOf(get(reads(`ticket=${ticket}`), { 'X-API-Key': 'wrong' }))).to.equal(401);
    expect(await statusOf(get(reads(`ticket=${ticket}`), KEY))).to.equal(200);
    // It was not used up: it starts a call of its own.
    expect(await statusOf(get(reads(`ticket=${ticket}`)))).to.equal(200);
    expect(runs).to.equal(3);
  });

  it('needs a ticket where keys are off, which no other site can have', async () => {
    await start({ auth: false });
    expect(await statusOf(get(reads('')))).to.equal(401);
    const foreign = { Origin: 'https://evil.example' };
    expect(await statusOf(fetch(`${served.url}/tickets`, { method: 'POST', headers: foreign }))).to.equal(
      403,
    );
    expect(await statusOf(get(reads(`ticket=${await ticketOf({})}`)))).to.equal(200);
    expect(runs).to.equal(1);
  });

  it('is refused to pages of other sites, ticket or not, unless their origin is listed', async () => {
    await start({ corsOrigins: ['https://app.example'] });
    const ticket = await ticketOf();
    /** As a browser sends it: fetch does not let tests set this header. */
    const ask = (method: string, path: string, headers: string) =>
      rawExchange(
        served.port,
        `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}Content-Length: 0\r\nConnection: close\r\n\r\n`,
        () => false,
      );
    const crossSite = 'Sec-Fetch-Site: cross-site\r\n';
    const withKey = `${crossSite}X-API-Key: super-secret\r\n`;
    expect(await ask('GET', reads(`ticket=${ticket}`), crossSite)).to.match(/^HTTP\/1.1 403 /);
    expect(await ask('GET', reads(''), withKey)).to.match(/^HTTP\/1.1 403 /);
    expect(await ask('POST', '/tickets', withKey)).to.match(/^HTTP\/1.1 403 /);
    expect(await ask('GET', '/calls/x/events', withKey)).to.match(/^HTTP\/1.1 403 /);
    expect(runs).to.equal(0);
    const listed = `${crossSite}Origin: https://app.example\r\n`;
    expect(await ask('GET', reads(`ticket=${ticket}`), listed)).to.match(/^HTTP\/1.1 200 /);
  });

  it('is never run again by its ticket: it goes on by Last-Event-ID, or from the start', async () => {
    await start();
    const path = `/tools/waits/stream?ticket=${await ticketOf()}`;
    const cut = new AbortController();
    const first = await fetch(served.url + path, { signal: cut.signal });
    const callId = first.headers.get('x-call-id') ?? '';
    for await (const { id } of readEvents(first.body)) {
      expect(id).to.equal(`${callId}.1`);
      break;
    }
    cut.abort();
    const second = await get(path, { 'Last-Event-ID': `${callId}.1` });
    gate.emit('go');
    expect((await eventsOf(second)).map(({ id }) => id)).to.deep.equal(
      [2, 3, 4].map((n) => `${callId}.${n}`),
    );
    const fromStart = await eventsOf(await get(path));
    expect(fromStart.map(({ id }) => id)).to.deep.equal([1, 2, 3, 4].map((n) => `${callId}.${n}`));
    expect(await statusOf(get(path, { 'Last-Event-ID': `${callId}.4` }))).to.equal(204);
    expect(await statusOf(get(path, { 'Last-Event-ID': 'AAAAAAAAAAAAAAAA.1' }))).to.equal(404);
    expect(runs).to.equal(1);
  });

  it('leaves its ticket for another try where it was refused before its start, and for none behind that', async () => {
    await start();
    const path = `/tools/fullOnce/stream?ticket=${await ticketOf()}`;
    expect(await statusOf(get(path))).to.equal(503);
    const events = await eventsOf(await get(path));
    expect(events.map(({ event }) => event)).to.deep.equal(['result', 'done']);
    expect((await eventsOf(await get(path))).map(({ id }) => id)).to.deep.equal(events.map(({ id }) => id));
    expect(runs).to.equal(2);
  });

  it('has a ticket that reads its call at /calls/{id}/events too, and no other call', async () => {
    await start();
    const [mine, other] = [await ticketOf(), await ticketOf()];
    const first = await get(reads(`ticket=${mine}`));
    const callId = first.headers.get('x-call-id') ?? '';
    await first.text();
    const elsewhere = await get(reads(''), KEY);
    const otherId = elsewhere.headers.get('x-call-id') ?? '';
    await elsewhere.text();
    const events = (id: string, ticket: string) => statusOf(get(`/calls/${id}/events?ticket=${ticket}`));
    expect(await events(callId, mine)).to.equal(200);
    expect(await events(otherId, mine)).to.equal(404);
    const looks = (id: string) =>
      fetch(`${served.url}/calls/${id}/events?ticket=${mine}`, { method: 'HEAD' });
    expect(await statusOf(looks(callId))).to.equal(200);
    expect(await statusOf(looks(otherId))).to.equal(404);
    // One that is not bound yet is bound by what it reads; what it does not find does not bind it.
    expect(await events('AAAAAAAAAAAAAAAA', other)).to.equal(404);
    expect(await events(otherId, other)).to.equal(200);
    expect(await events(callId, other)).to.equal(404);
    expect(await statusOf(get(`/calls?ticket=${mine}`))).to.equal(401); // stands for the key at streams alone
    expect(await statusOf(get(`/tools?ticket=${mine}`))).to.equal(401);
    expect(runs).to.equal(2);
  });
});
