/** Durations: percentiles of the last minutes, counts since the start. */
import { expect } from 'chai';
import { addedCounts, COARSE_BOUNDS, DurationHistogram } from '../../lib/async/duration-histogram.ts';

const MINUTE = 60_000;

describe('DurationHistogram', () => {
  it('gives percentiles within five per cent', () => {
    const histogram = new DurationHistogram();
    for (let ms = 1; ms <= 1000; ms += 1) histogram.record(ms);
    expect(histogram.percentile(0.5)).to.be.within(500, 526);
    expect(histogram.percentile(0.95)).to.be.within(950, 998);
    expect(histogram.percentile(0.99)).to.be.within(990, 1041);
  });

  it('takes zero and days', () => {
    const histogram = new DurationHistogram();
    expect(histogram.percentile(0.5)).to.equal(0);
    histogram.record(0);
    histogram.record(1e12);
    expect(histogram.percentile(0.5)).to.be.at.most(0.01);
    expect(histogram.percentile(1)).to.be.at.least(24 * 60 * MINUTE);
  });

  it('forgets after ten minutes at most', () => {
    let now = 0;
    const histogram = new DurationHistogram(() => now);
    histogram.record(1000);
    now = 6 * MINUTE;
    histogram.record(1);
    expect(histogram.percentile(1)).to.be.at.least(1000);
    now = 11 * MINUTE;
    expect(histogram.percentile(1)).to.be.below(2);
    now = 60 * MINUTE;
    expect(histogram.percentile(1)).to.equal(0);
  });

  it('counts since the start below the bounds of the conventions, and never beyond one that is not exceeded', () => {
    const histogram = new DurationHistogram();
    for (const seconds of COARSE_BOUNDS) {
      histogram.record(seconds * 1000);
      histogram.record(seconds * 1000 * 1.000001);
    }
    histogram.record(0);
    const { counts, sum } = histogram.sinceStart();
    // Each bound itself and what is a little above the one before; 0 and 0.01 s below the first.
    expect(counts).to.deep.equal([
      2,
      ...COARSE_BOUNDS.map((_, at) => (at < COARSE_BOUNDS.length - 1 ? 2 : 1)),
    ]);
    expect(sum).to.be.closeTo(2 * COARSE_BOUNDS.reduce<number>((all, bound) => all + bound, 0), 0.01);
    expect(addedCounts([histogram.sinceStart(), histogram.sinceStart()])).to.deep.equal({
      counts: counts.map((count) => 2 * count),
      sum: 2 * sum,
    });
  });
});
