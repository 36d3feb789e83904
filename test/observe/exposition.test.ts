/** The text format of Prometheus. */
import { expect } from 'chai';
import { DurationHistogram } from '../../lib/async/duration-histogram.ts';
import { Exposition } from '../../lib/observe/metrics/exposition.ts';

describe('an exposition', () => {
  it('writes the samples of a name below one head, labels escaped', () => {
    const exposition = new Exposition();
    exposition.counter('calls_total', 'Calls,\nall \\ of them.', [
      { labels: { tool: 'a"b\\c\nd' }, value: 2 },
      { value: 1.5 },
    ]);
    expect(exposition.text().split('\n')).to.deep.equal([
      '# HELP calls_total Calls,\\nall \\\\ of them.',
      '# TYPE calls_total counter',
      'calls_total{tool="a\\"b\\\\c\\nd"} 2',
      'calls_total 1.5',
      '',
    ]);
  });

  it('leaves out what has no samples', () => {
    const exposition = new Exposition();
    exposition.gauge('nothing', 'Nothing.', []);
    expect(exposition.text()).to.equal('\n');
  });

  it('writes durations as buckets that include the ones below them', () => {
    const histogram = new DurationHistogram();
    for (const ms of [5, 15, 15, 400_000]) histogram.record(ms);
    const exposition = new Exposition();
    exposition.durations('wait_seconds', 'Waits.', [
      { labels: { runner: 'threads' }, value: histogram.sinceStart() },
    ]);
    const lines = exposition.text().trim().split('\n');
    expect(lines).to.include.members([
      '# TYPE wait_seconds histogram',
      'wait_seconds_bucket{runner="threads",le="0.01"} 1',
      'wait_seconds_bucket{runner="threads",le="0.02"} 3',
      'wait_seconds_bucket{runner="threads",le="300"} 3',
      'wait_seconds_bucket{runner="threads",le="+Inf"} 4',
      'wait_seconds_sum{runner="threads"} 400.035',
      'wait_seconds_count{runner="threads"} 4',
    ]);
  });
});
