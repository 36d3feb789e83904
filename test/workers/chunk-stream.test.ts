/** Batches, credit and the repeated list, without a thread. */
import { expect } from 'chai';
import { ChunkStream } from '../../workers/chunk-stream.ts';

const HALF = '"\\ud83d"';

describe('the chunks of a call', () => {
  const sent: { index: number; count: number; text: string }[] = [];
  const start = (bytes: number, repeatBytes = 0) =>
    new ChunkStream({
      streams: true,
      repeatBytes,
      maxChunkBytes: 1024 * 1024,
      credit: { items: 100, bytes },
      send: (index, count, text) => sent.push({ index, count, text }),
    });
  beforeEach(() => sent.splice(0));

  it('leave without halves of surrogate pairs, in a batch and in the list', () => {
    const chunks = start(1000, 1000);
    for (const json of [HALF, '"\\\\ud83d"', '1', `["😀",${HALF}]`]) chunks.add(json, 0);
    chunks.flush();
    const clean = ['"\ufffd"', '"\\\\ud83d"', '1', '["😀","\ufffd"]'];
    expect(sent.flatMap(({ text }) => text.split('\n'))).to.deep.equal(clean);
    expect(chunks.repeated()).to.equal(`[${clean.join(',')}]`);
    chunks.close();
  });

  it('lose no credit where a half makes them shorter', async () => {
    const bytes = 200_000; // above what may go without credit
    const large = `"${'x'.repeat(bytes - 2)}"`;
    const chunks = start(bytes);
    for (let round = 0; round < 3; round++) {
      expect(chunks.add(HALF, 0)).to.equal(undefined);
      chunks.flush();
      const [told] = sent.splice(0);
      chunks.grant(1, told?.text.length ?? 0);
      expect(chunks.add(large, 0)).to.equal(undefined);
      const waiting = chunks.add('1', 0);
      expect(waiting).to.be.a('promise');
      for (const { text, count } of sent.splice(0)) chunks.grant(count, text.length);
      await waiting;
      chunks.flush();
      for (const { text, count } of sent.splice(0)) chunks.grant(count, text.length);
    }
    chunks.close();
  });
});
