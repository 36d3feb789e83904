import { expect } from 'chai';
import { ToolError } from '../../lib/call/tool-error.ts';
import { ChunkStream, type ChunkStreamOptions } from '../../workers/chunk-stream.ts';
import { exceedsBytes, freeText, toJson } from '../../workers/json-text.ts';
import { ProgressThrottle } from '../../workers/progress-throttle.ts';

describe('ChunkStream', () => {
  const sent: { index: number; count: number; text: string }[] = [];
  const open = (options: Partial<ChunkStreamOptions> = {}) => {
    sent.length = 0;
    return new ChunkStream({
      streams: true,
      repeatBytes: 100,
      maxChunkBytes: 1000,
      credit: { items: 1000, bytes: 1000 },
      send: (index, count, text) => sent.push({ index, count, text }),
      ...options,
    });
  };

  it('sends the first chunk at once and the rest in batches, without a gap', () => {
    const stream = open();
    for (let i = 0; i < 5; i++) stream.add(String(i), 1_000_000);
    expect(sent).to.deep.equal([{ index: 0, count: 1, text: '0' }]);
    stream.flush();
    expect(sent[1]).to.deep.equal({ index: 1, count: 4, text: '1\n2\n3\n4' });
    stream.close();
  });

  it('waits for credit, and takes one chunk above it when little is outstanding', async () => {
    const stream = open({ credit: { items: 2, bytes: 10 }, maxChunkBytes: 1000 });
    expect(stream.add('x'.repeat(500), 1)).to.equal(undefined);
    expect(stream.add('1', 1)).to.equal(undefined);
    let isIn = false;
    const waiting = stream.add('2', 1)?.then(() => {
      isIn = true;
    });
    expect(waiting).to.be.instanceOf(Promise);
    await Promise.resolve();
    expect(isIn).to.equal(false);
    stream.grant(2, 501);
    await waiting;
    stream.flush();
    expect(sent.reduce((sum, { count }) => sum + count, 0)).to.equal(3);
    stream.close();
  });

  it('lets a waiting chunk go when it closes', async () => {
    const stream = open({ credit: { items: 1, bytes: 10 } });
    stream.add('1', 1);
    const waiting = stream.add('2', 1);
    stream.close();
    await waiting;
    expect(stream.count).to.equal(1);
  });

  it('repeats the list within its cap, drops it above, and fails a list that was to be collected', () => {
    const stream = open({ repeatBytes: 6 });
    stream.add('1', 1);
    stream.add('2', 1);
    expect(stream.repeated()).to.equal('[1,2]');
    stream.add('3', 1);
    expect(stream.repeated()).to.equal(null);
    stream.close();
    const collecting = open({ streams: false, repeatBytes: 4 });
    collecting.add('1', 1);
    expect(() => collecting.add('2', 1)).to.throw(ToolError, /stream it instead/);
  });

  it('refuses a chunk above the cap, measured in bytes of UTF-8', () => {
    const stream = open({ maxChunkBytes: 10 });
    expect(() => stream.add('é'.repeat(6), 1)).to.throw(ToolError, /larger than 10 bytes/);
    expect(() => stream.add('e'.repeat(6), 1)).not.to.throw();
    stream.close();
  });
});

describe('ProgressThrottle', () => {
  const sent: number[] = [];
  const open = () => {
    sent.length = 0;
    return new ProgressThrottle((progress) => sent.push(progress));
  };

  it('drops what does not grow, and sends the last before the end', () => {
    const throttle = open();
    for (const value of [1, 1, 0, 2, 3, 4, 5, 6, 7, 8]) throttle.report(value);
    throttle.flush();
    throttle.close();
    expect(sent).to.deep.equal([1, 2, 3, 4, 5, 8]);
  });

  it('refuses what is no finite number', () => {
    const throttle = open();
    expect(() => throttle.report(Number.NaN)).to.throw(TypeError, /finite number, not NaN/);
    expect(() => throttle.report(1, Number.POSITIVE_INFINITY)).to.throw(TypeError, /total/);
    throttle.close();
  });
});

describe('JSON text', () => {
  it('names what cannot be JSON', () => {
    expect(() => toJson(() => 1, 'the result', 1000)).to.throw(
      ToolError,
      'the result is not JSON: it is a function',
    );
    expect(() => toJson({ toJSON: () => undefined }, 'the result', 1000)).to.throw(
      ToolError,
      'the result is not JSON: its toJSON() gives no value',
    );
    expect(() => toJson({ n: 1n }, 'chunk 3', 1000)).to.throw(ToolError, /chunk 3 is not JSON: .*BigInt/);
    expect(freeText({ f: () => 1, n: 1 })).to.equal('{"n":1}');
    expect(freeText({ n: 1n })).to.equal(undefined);
  });

  it('measures in bytes of UTF-8 only where the length leaves a doubt', () => {
    expect(exceedsBytes('éé', 3)).to.equal(true);
    expect(exceedsBytes('éé', 4)).to.equal(false);
    expect(exceedsBytes('ee', 3)).to.equal(false);
  });
});
