/** Frames through a stream of bytes, and what is none. */
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { decodeBatch, encodeBatch } from '../../../lib/runners/host/batch-codec.ts';
import { PipeLink } from '../../../lib/runners/host/pipe-link.ts';

const encoded = (...frames: unknown[]): Buffer => Buffer.concat(encodeBatch(frames));

/** A link that reads what is written to `pipe`. */
function open(maxBytes = 1024 * 1024) {
  const pipe = new PassThrough();
  const link = new PipeLink<unknown, unknown>(pipe, maxBytes);
  const received: unknown[] = [];
  const closed = new Promise<Error | null>((resolve) => {
    link.listen({ received: (frames) => received.push(...frames), closed: resolve });
  });
  return { pipe, link, received, closed };
}

describe('a batch of frames', () => {
  const deep = () => {
    let value: unknown = 1;
    for (let depth = 0; depth < 500; depth++) value = [value];
    return value;
  };
  const VALUES: Readonly<Record<string, unknown>> = {
    'plain values': {
      type: 'call',
      text: 'a "quoted" ä 😀 \ud800',
      list: [1, -1.5, null, true],
      nothing: {},
    },
    'what JSON has no word for': { map: new Map([[1, new Date(0)]]), big: 5n, not: Number.NaN, minus: -0 },
    bytes: { bytes: new Uint8Array([1, 2, 3]) },
    'long text': { text: 'x'.repeat(100_000), wide: '語'.repeat(10_000) },
    'what is nested deeply': { value: deep() },
  };
  for (const [what, value] of Object.entries(VALUES))
    it(`is the same afterwards: ${what}`, () => {
      expect(decodeBatch(encoded(value, value))).to.deep.equal([value, value]);
    });

  it('escapes no long text, which is JSON already', () => {
    const text = '"'.repeat(10_000);
    expect(encoded({ text }).length).to.be.below(text.length + 100);
  });
});

describe('PipeLink', () => {
  it('puts frames together however they are cut', async () => {
    const { pipe, received, closed } = open();
    const bytes = Buffer.concat([
      encoded({ n: 1 }),
      encoded({ n: 2 }, { big: 'x'.repeat(3000) }),
      encoded({ n: 4 }),
    ]);
    for (let at = 0; at < bytes.length; at += 7) pipe.write(bytes.subarray(at, at + 7));
    pipe.end();
    expect(await closed).to.equal(null);
    expect(received).to.deep.equal([{ n: 1 }, { n: 2 }, { big: 'x'.repeat(3000) }, { n: 4 }]);
  });

  const NONE: Readonly<Record<string, Buffer>> = {
    'a length beyond the limit': Buffer.from([255, 255, 255, 127, 0]),
    'no JSON': Buffer.from([1, 0, 0, 0, 0, 123]),
    'nothing that was serialized': Buffer.from([2, 0, 0, 0, 1, 255, 255]),
    'no list': Buffer.from([1, 0, 0, 0, 0, 49]),
  };
  for (const [what, bytes] of Object.entries(NONE))
    it(`closes for ${what}`, async () => {
      const { pipe, received, closed } = open();
      pipe.write(encoded({ n: 1 }));
      pipe.write(bytes);
      expect((await closed)?.message).to.match(/^what came was no batch of frames/);
      expect(received).to.deep.equal([{ n: 1 }]);
    });

  it('refuses what cannot be cloned, and goes on', async () => {
    const { pipe, link, received } = open();
    expect(() => link.send([{ memory: new SharedArrayBuffer(8) }])).to.throw(/could not be cloned/);
    link.send([{ n: 1 }]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(received).to.deep.equal([{ n: 1 }]);
    pipe.destroy();
  });
});
