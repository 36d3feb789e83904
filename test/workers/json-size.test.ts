import { expect } from 'chai';
import { exceedsAsJson } from '../../workers/json-size.ts';

describe('exceedsAsJson()', () => {
  it('never refuses what fits', () => {
    const values: unknown[] = [
      null,
      0,
      true,
      'text',
      [],
      [1, [2, null], undefined],
      { a: 1, b: undefined, c: () => 1, d: { e: 'f' } },
      new Date(0),
      { toJSON: () => 'short', long: 'x'.repeat(1000) },
      new Map([[1, 2]]),
    ];
    for (const value of values) {
      const { length } = JSON.stringify(value);
      expect(exceedsAsJson(value, length), JSON.stringify(value)).to.equal(false);
    }
  });

  it('refuses what is sure to be longer, without looking at all of it', () => {
    let looked = 0;
    const counted = Object.defineProperty({}, 'n', { enumerable: true, get: () => ++looked });
    expect(exceedsAsJson(new Array(10_000).fill([counted]), 50_000)).to.equal(true);
    expect(looked).to.be.within(1, 9000);
    expect(exceedsAsJson(new Array(1e9), 1e6)).to.equal(true);
    expect(exceedsAsJson('x'.repeat(1000), 1000)).to.equal(true);
    expect(exceedsAsJson({ deep: [{ bytes: new Uint8Array(900) }] }, 1000)).to.equal(true);
  });

  it('leaves what it cannot tell to the writing', () => {
    const cycle: Record<string, unknown> = { text: 'x' };
    cycle['self'] = [cycle];
    expect(exceedsAsJson(cycle, 1e6)).to.equal(false);
    const throwing = {
      get n() {
        throw new Error('no');
      },
    };
    expect(exceedsAsJson([throwing, 'x'.repeat(100)], 10)).to.equal(false);
  });
});
