/** Numbers, bounds and the middle of batches. */

import { expect } from 'chai';
import { LineBatch } from '../../../lib/call/line-batch.ts';
import { type KeptEvent, KeptEvents } from '../../../lib/dispatch/history/kept-events.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';

describe('KeptEvents', () => {
  /** Progress and batches of several sizes in turn, `chunks` chunks in all. */
  function filled(chunks: number): KeptEvents {
    const kept = new KeptEvents();
    for (let index = 0, turn = 0; index < chunks; turn++) {
      if (turn % 3 === 0) kept.push({ type: 'progress', progress: turn, total: null, message: '' });
      const items = Array.from(
        { length: Math.min(1 + (turn % 5), chunks - index) },
        (_, at) => `${index + at}`,
      );
      if (turn % 2 === 0) kept.push(new LineBatch(index, items.length, items.join('\n')));
      else kept.push({ type: 'chunks', index, items });
      index += items.length;
    }
    return kept;
  }
  /** What a reader gets from a number on, one line an event. */
  function linesAfter(kept: KeptEvents, after: number): string[] {
    const lines: string[] = [];
    for (let seq = after, event: KeptEvent | undefined; ; ) {
      event = kept.after(seq);
      if (!event) return lines;
      const first = event.seq ?? -1;
      expect(first).to.equal(seq + 1);
      if (event.type === 'progress') lines.push(`${first} progress ${event.progress}`);
      else if (event.type === 'chunks')
        for (const [at, item] of event.items.entries())
          lines.push(`${first + at} chunk ${event.index + at} ${item}`);
      seq = first + (event.type === 'chunks' ? event.items.length - 1 : 0);
    }
  }

  it('gives the same events after every number, whether that is between two of them or in the middle of a batch', () => {
    const kept = filled(200);
    const all = linesAfter(kept, 0);
    expect(all).to.have.length(kept.last);
    expect(all.map((line) => Number(line.split(' ')[0]))).to.deep.equal(all.map((_, at) => at + 1));
    for (let after = 0; after <= kept.last; after++)
      expect(linesAfter(kept, after)).to.deep.equal(all.slice(after));
  });

  it('shares an event with another call, and no number', () => {
    const [one, other] = [new KeptEvents(), new KeptEvents()];
    other.push({ type: 'progress', progress: 1, total: null, message: '' });
    for (const event of [
      { type: 'chunks', index: 0, items: ['1', '2'] } as KeptEvent,
      new LineBatch(2, 2, '3\n4'),
    ]) {
      one.push(event);
      other.push(event);
    }
    expect(linesAfter(one, 0)).to.deep.equal(['1 chunk 0 1', '2 chunk 1 2', '3 chunk 2 3', '4 chunk 3 4']);
    expect(linesAfter(other, 1)).to.deep.equal(['2 chunk 0 1', '3 chunk 1 2', '4 chunk 2 3', '5 chunk 3 4']);
  });

  it('holds nothing of what it has dropped', async () => {
    const kept = new KeptEvents();
    const batch = (index: number): KeptEvent => ({ type: 'chunks', index, items: ['1'.repeat(100)] });
    const oldest = new WeakRef(batch(0));
    kept.push(oldest.deref() as KeptEvent);
    for (let index = 1; index < 10; index++) kept.push(batch(index));
    await new Promise(setImmediate);
    kept.trim(1, kept.last);
    expect(kept.dropped).to.equal(9);
    await collectGarbage();
    expect(oldest.deref()).to.equal(undefined);
  });

  it('drops the oldest, says up to where, and gives the rest as before', () => {
    const kept = filled(1000);
    const all = linesAfter(kept, 0);
    let bytes = kept.bytesAfter(0);
    for (const limit of [40_000, 20_000, 5000, 1]) {
      bytes -= kept.trim(limit, kept.last);
      expect(kept.bytesAfter(kept.dropped)).to.equal(bytes);
      expect(kept.dropped).to.be.above(0);
      for (const after of [kept.dropped, kept.dropped + 1, kept.last - 1, kept.last])
        expect(linesAfter(kept, after)).to.deep.equal(all.slice(after));
    }
    expect(bytes, 'the newest stays').to.be.above(0);
  });

  it('never drops what its reader lacks', () => {
    const kept = filled(1000);
    kept.trim(1, 100);
    expect(kept.dropped).to.be.within(90, 100);
    kept.trim(1, kept.last);
    expect(kept.dropped).to.be.above(900);
  });
});
