/** That a duration reads as JSON writes the number. */
import { expect } from 'chai';
import { durationText } from '../../../lib/transports/rendering/duration-text.ts';

describe('durationText()', () => {
  it('is what JSON makes of whole microseconds', () => {
    const inMs = [0, 0.001, 0.01, 0.1, 0.999, 1, 1.001, 1.01, 1.1, 1.12, 3.103, 59_999.999, 86_400_000.001];
    for (const ms of inMs) expect(durationText(ms)).to.equal(JSON.stringify(ms));
  });

  it('stays JSON for what is no duration', () => {
    expect([-0.5, Number.NaN, Infinity].map(durationText)).to.deep.equal(['-0.5', 'null', 'null']);
  });

  it('rounds what is finer', () => {
    expect([0.0004, 0.0005, 1.9999, 0.9996].map(durationText)).to.deep.equal(['0', '0.001', '2', '1']);
  });
});
