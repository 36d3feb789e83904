/** A short soak with loose bounds; and that a trend is told from noise. */
import { expect } from 'chai';
import { AWAITED } from './awaited.ts';
import { TRANSPORT_NAMES } from './clients/transport.ts';
import { KINDS } from './kinds/all-kinds.ts';
import { Random } from './random.ts';
import { runSoak, soakTable } from './run-soak.ts';
import { rises, trendOf } from './trend.ts';

describe('the trend of a figure', () => {
  /** A saw-tooth as a garbage collector makes it, on a slope. */
  const sawTooth = (perMinute: number) => {
    const random = new Random(1);
    return trendOf(
      Array.from({ length: 600 }, (_, n) => ({
        atMs: n * 1000,
        value: 200 + (n % 7) * 10 + random.next() * 5 + (perMinute * n) / 60,
      })),
      10_000,
    );
  };

  it('is flat for a saw-tooth', () => {
    expect(rises(sawTooth(0), 0.5)).to.equal(false);
    expect(sawTooth(0).perMinute).to.be.closeTo(0, 0.3);
  });

  it('rises with what is lost under the saw-tooth', () => {
    expect(sawTooth(2).perMinute).to.be.closeTo(2, 0.3);
    expect(rises(sawTooth(2), 1)).to.equal(true);
  });

  it('is not told from too little', () => {
    expect(
      rises(
        trendOf(
          [
            { atMs: 0, value: 1 },
            { atMs: 1000, value: 900 },
          ],
          1000,
        ),
        1,
      ),
    ).to.equal(false);
  });
});

describe('soak', () => {
  it('holds no more after a quarter of a minute than it did before', async function () {
    this.timeout(300_000);
    const report = await runSoak({
      seed: 21,
      minutes: 0.25,
      leastSamples: 12,
      kinds: KINDS.filter(({ name, isHeavy }) => !isHeavy && !(name in AWAITED)),
      transports: TRANSPORT_NAMES,
      faultsPerSecond: 1,
      everyMs: 80,
      // Loose: in so short a time caches still fill.
      bounds: {
        'rss MiB': 400,
        'own heap MiB': 300,
        'thread heap MiB': 300,
        files: 200,
        'os threads': 40,
        'stdio rss MiB': 400,
        'stdio files': 200,
      },
    });
    console.log(soakTable(report).replace(/^/gm, '        '));
    expect(report.ledger.violations.map(({ text }) => text)).to.deep.equal([]);
    expect(report.rising).to.deep.equal([]);
    expect(report.samples).to.be.at.least(8);
  });
});
