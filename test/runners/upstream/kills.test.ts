/** Servers that are killed at random points: a short run of kills.ts, with a seed of its own each time. */
import { expect } from 'chai';
import { killAtRandom } from './kills.ts';

describe('a mounted server that is killed again and again', function () {
  this.timeout(60_000);
  it('gives no wrong answer, is back, and leaves nothing behind', async function () {
    if (process.platform !== 'linux') {
      process.stderr.write('skipped: it finds the processes in /proc\n');
      this.skip();
    }
    const seed = Math.floor(Math.random() * 1_000_000);
    const report = await killAtRandom(15, seed);
    const { wrong, orphans, isBack } = report;
    expect({ wrong, orphans, isBack }, JSON.stringify({ seed, ...report })).to.deep.equal({
      wrong: [],
      orphans: 0,
      isBack: true,
    });
    expect(report.ends['success']).to.be.above(0);
  });
});
