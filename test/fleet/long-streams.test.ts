/** Streams longer than what is kept of them, whose reader goes on at another gateway. */
import { expect } from 'chai';
import { missingRedis } from './redis-server.ts';
import { SmallFleet } from './small-fleet.ts';

const HEADERS = {
  'X-API-Key': 'super-secret',
  'content-type': 'application/json',
  accept: 'text/event-stream',
};
/** More than is under way to a client, and less than half of the stream. */
const RESUME_BYTES = 16 * 1024 * 1024;
const COUNT = 400;
const SIZE = 100_000;

describe('a long stream on a fleet', function () {
  this.timeout(60_000);
  let fleet: SmallFleet;

  before(async function () {
    if (missingRedis() !== undefined) this.skip();
    fleet = await SmallFleet.start({ resumeBytes: RESUME_BYTES });
  });
  after(() => fleet?.close());

  const numbersIn = (text: string) => [...text.matchAll(/^id: [\w-]+\.(\d+)$/gm)].map(([, id]) => Number(id));
  const ask = (url: string, headers: object, signal: AbortSignal) =>
    fetch(`${url}/tools/once/stream`, {
      method: 'POST',
      headers: { ...HEADERS, ...headers },
      body: JSON.stringify({ arguments: { count: COUNT, size: SIZE }, detach: 60 }),
      signal,
    });

  it('goes on from gateway to gateway to its end, however much was read before', async () => {
    const seen: number[] = [];
    let callId: string | null = null;
    // To and fro, after a quarter each.
    for (const share of [0.25, 0.5, 0.75, 1]) {
      const cut = new AbortController();
      const url = fleet.urls[(share * 4) % 2] as string;
      const response = await ask(
        url,
        callId ? { 'last-event-id': `${callId}.${seen.at(-1)}` } : {},
        cut.signal,
      );
      callId ??= response.headers.get('x-call-id');
      expect(response.status).to.equal(200);
      let rest = '';
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      while (share === 1 || (seen.at(-1) ?? 0) <= COUNT * share) {
        const { value, done = true } = (await reader?.read()) ?? {};
        if (done) break;
        const blocks = (rest + value).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) seen.push(...numbersIn(block));
      }
      cut.abort();
    }
    const last = seen.at(-1) ?? 0;
    expect(last).to.be.above(COUNT);
    expect(seen).to.deep.equal(Array.from({ length: last }, (_, n) => n + 1));
  });
});
