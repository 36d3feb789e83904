/** Batches as they come from threads, and what every event of chunks tells of itself. */
import { expect } from 'chai';
import { chunkCount, chunkLines, chunkSize, type ToolEvent } from '../../lib/call/call-events.ts';
import { LineBatch } from '../../lib/call/line-batch.ts';

describe('a batch of lines', () => {
  it('has the items, number and size that the same chunks have as a list', () => {
    for (const items of [['1'], ['{"a":"ä"}', 'null', '"c"']]) {
      const batch = new LineBatch(5, items.length, items.join('\n'));
      const list: ToolEvent = { type: 'chunks', index: 5, items };
      expect(batch.items).to.deep.equal(items);
      expect(batch.items).to.equal(batch.items);
      for (const tell of [chunkCount, chunkSize, chunkLines]) expect(tell(batch)).to.equal(tell(list));
    }
  });

  it('keeps its number in a fresh one, unless that is given another', () => {
    const batch = new LineBatch(0, 2, '1\n2');
    batch.seq = 7;
    expect([batch.fresh().seq, batch.fresh(9).seq, batch.seq]).to.deep.equal([7, 9, 7]);
    expect(batch.fresh().items).to.deep.equal(['1', '2']);
  });

  it('is as JSON what a list of chunks is', () => {
    const batch = new LineBatch(3, 2, '1\n"x"');
    expect(JSON.parse(JSON.stringify(batch))).to.deep.equal({
      type: 'chunks',
      index: 3,
      items: ['1', '"x"'],
      seq: 0,
    });
  });
});

describe('chunks as lines', () => {
  it('are a line each, whatever white space their JSON has', () => {
    const items = ['{\r\n  "a": 1\n}', '[1,\n2]', '"\\n"'];
    const lines = chunkLines({ type: 'chunks', index: 0, items }).split('\n');
    expect(lines.map((line) => JSON.parse(line))).to.deep.equal(items.map((item) => JSON.parse(item)));
  });
});
