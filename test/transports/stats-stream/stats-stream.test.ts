/** `GET /stats/stream`: the figures as they move. */
import { expect } from 'chai';
import { LiveFigures, type LiveSample } from '../../../lib/observe/live/live-figures.ts';
import { eventually } from '../../support/eventually.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';

const KEY = { 'X-API-Key': 'super-secret' };

interface Told {
  readonly status: string;
  readonly workers: { readonly state: string; readonly calls: { readonly name: string }[] }[];
  readonly tools: Readonly<Record<string, { readonly calls: number }>>;
  readonly now?: LiveSample;
  readonly history?: readonly LiveSample[];
}

describe('GET /stats/stream', () => {
  let served: TestGateway;
  const streams = () =>
    (served.gateway.stats()['transports'] as Record<string, { streams: number }>)['stats-stream']?.streams;

  before(async () => {
    served = await startGateway({ minWorkers: 1 });
  });
  after(() => served.close());

  /** Reads until `isEnough`, and leaves. */
  async function read(isEnough: (told: readonly Told[]) => boolean): Promise<Told[]> {
    const leaving = new AbortController();
    const response = await fetch(`${served.url}/stats/stream`, { headers: KEY, signal: leaving.signal });
    expect(response.headers.get('content-type')).to.equal('text/event-stream');
    const told: Told[] = [];
    let text = '';
    if (!response.body) throw new Error('no body');
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
      text += part;
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        expect(event).to.match(/^event: stats\ndata: \{/);
        told.push(JSON.parse(event.slice(event.indexOf('{'))));
      }
      if (isEnough(told)) break;
    }
    leaving.abort();
    return told;
  }

  it('tells all at once, then what has moved, with the calls on their threads', async () => {
    await served.gateway.call('echo', { text: 'a' }, { streams: false }).outcome();
    const waiting = served.gateway.call('wait', { ms: 60_000 }, { streams: false });
    const posted = { method: 'POST', headers: { ...KEY, 'Content-Type': 'application/json' } };
    const reading = read((told) => told.length > 2 && told.some(({ now }) => (now?.calls ?? 0) > 0));
    await eventually(() => streams() === 1);
    const counted = await fetch(`${served.url}/tools/count/stream`, {
      ...posted,
      body: '{"arguments":{"n":50}}',
    });
    await counted.text();
    const told = await reading;
    waiting.cancel('cancelled');
    const [first, ...later] = told;
    expect(first?.status).to.equal('ok');
    expect(first?.tools['echo']?.calls).to.equal(1);
    expect(first?.history).to.deep.equal([]);
    expect(first?.workers.flatMap(({ calls }) => calls.map(({ name }) => name))).to.deep.equal(['wait']);
    const samples = later.map(({ now }) => now);
    const sum = (of: (sample: LiveSample) => number) =>
      samples.reduce((all, now) => all + (now ? of(now) : 0), 0);
    expect([sum(({ calls }) => calls), sum(({ chunks }) => chunks)]).to.deep.equal([1, 50]);
    const [, second] = later;
    expect(second?.tools ?? {}).to.not.have.property('echo');
    const last = samples.find((now) => (now?.calls ?? 0) > 0);
    expect(last?.p50Ms).to.be.above(0);
    expect(last?.rssBytes).to.be.above(1e6);
    await eventually(() => streams() === 0);
    const [again] = await read(({ length }) => length === 1);
    expect(again?.history?.length).to.be.at.least(later.length);
  });

  it('needs a key that may see figures', async () => {
    expect((await fetch(`${served.url}/stats/stream`)).status).to.equal(401);
    const head = await fetch(`${served.url}/stats/stream`, { method: 'HEAD', headers: KEY });
    expect(head.status).to.equal(200);
  });
});

describe('the live figures', () => {
  it('observe nothing before somebody watches, and nothing after they are closed', () => {
    let observers = 0;
    const figures = new LiveFigures({
      stats: () => ({ tools: {} }),
      status: () => 'ok',
      runners: () => new Map(),
      callsInFlight: () => 0,
      chunks: () => 0,
      observe: () => {
        observers++;
        return () => observers--;
      },
    });
    expect(observers).to.equal(0);
    const told: string[] = [];
    const ends = [figures.watch((text) => told.push(text)), figures.watch((text) => told.push(text))];
    expect([observers, told.length]).to.deep.equal([1, 2]);
    for (const end of ends) end();
    figures.close();
    expect(observers).to.equal(0);
  });
});
