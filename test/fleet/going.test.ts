/** A gateway that goes sends its readers to another, and loses nothing. */
import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { eventually } from '../support/eventually.ts';
import { missingRedis } from './redis-server.ts';
import { SmallFleet } from './small-fleet.ts';

const HEADERS = { 'X-API-Key': 'super-secret', 'Content-Type': 'application/json' };

describe('a gateway of a fleet that goes', function () {
  this.timeout(60_000);
  let fleet: SmallFleet;
  let going: string;
  let other: string;

  before(async function () {
    if (missingRedis() !== undefined) this.skip();
    fleet = await SmallFleet.start({ drainTimeoutMs: 20_000, minWorkers: 6, maxWorkers: 6 });
    [going, other] = fleet.urls;
  });
  after(() => fleet?.close());

  const post = (url: string, path: string, args: object, headers = {}) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { ...HEADERS, ...headers },
      body: JSON.stringify({ arguments: args }),
    });
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
    await eventually(async () => {
      const { calls } = (await (await fetch(`${going}/calls`, { headers: HEADERS })).json()) as {
        calls: { status: string }[];
      };
      return frames.length > 3 && calls.filter(({ status }) => status === 'running').length >= 4;
    });

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
});
