/** Counting calls. */
import { expect } from 'chai';
import type { TerminalEvent } from '../../lib/call/call-events.ts';
import type { ErrorCode } from '../../lib/call/error-code.ts';
import { ToolError } from '../../lib/call/tool-error.ts';
import { CallStatistics } from '../../lib/observe/call-statistics.ts';
import { LatencyHistogram } from '../../lib/observe/latency-histogram.ts';

const MINUTE = 60_000;

function ended(
  name: string,
  { code, chunks = 0, durationMs = 10 }: { code?: ErrorCode; chunks?: number; durationMs?: number },
) {
  const end: TerminalEvent =
    code === undefined
      ? { type: 'result', data: null, repeats: true, shape: 'other', chunks, meta: null, durationMs }
      : { type: 'error', error: new ToolError(code, 'no'), chunks, durationMs };
  return {
    callId: 'c',
    kind: 'tool' as const,
    name,
    caller: { keyId: 'k', transport: 'http' as const },
    end,
  };
}

describe('CallStatistics', () => {
  const call = { name: 'echo', kind: 'tool' as const };

  it('counts calls, errors by code, chunks and what is in flight', () => {
    const statistics = new CallStatistics((name) => name === 'echo');
    for (let n = 0; n < 4; n += 1) statistics.started(call);
    statistics.ended(ended('echo', { chunks: 5 }));
    statistics.ended(ended('echo', { code: 'tool_failed', chunks: 1 }));
    statistics.ended(ended('echo', { code: 'tool_failed' }));
    expect(statistics.snapshot()['echo']).to.deep.include({
      calls: 4,
      errors: { tool_failed: 2 },
      inFlight: 1,
      chunks: 6,
    });
  });

  it('does not count names that are no tools', () => {
    const statistics = new CallStatistics(() => false);
    for (let n = 0; n < 100; n += 1) {
      statistics.started({ name: `invented-${n}`, kind: 'tool' });
      statistics.ended(ended(`invented-${n}`, { code: 'tool_not_found' }));
    }
    expect(statistics.snapshot()).to.deep.equal({});
  });

  it('sorts the tools by name', () => {
    const statistics = new CallStatistics(() => true);
    for (const name of ['b', 'a', 'c']) statistics.started({ name, kind: 'tool' });
    expect(Object.keys(statistics.snapshot())).to.deep.equal(['a', 'b', 'c']);
  });
});

describe('LatencyHistogram', () => {
  it('gives percentiles within five per cent', () => {
    const histogram = new LatencyHistogram();
    for (let ms = 1; ms <= 1000; ms += 1) histogram.record(ms);
    expect(histogram.percentile(0.5)).to.be.within(500, 526);
    expect(histogram.percentile(0.95)).to.be.within(950, 998);
    expect(histogram.percentile(0.99)).to.be.within(990, 1041);
  });

  it('takes zero and days', () => {
    const histogram = new LatencyHistogram();
    expect(histogram.percentile(0.5)).to.equal(0);
    histogram.record(0);
    histogram.record(1e12);
    expect(histogram.percentile(0.5)).to.be.at.most(0.01);
    expect(histogram.percentile(1)).to.be.at.least(24 * 60 * MINUTE);
  });

  it('forgets after ten minutes at most', () => {
    let now = 0;
    const histogram = new LatencyHistogram(() => now);
    histogram.record(1000);
    now = 6 * MINUTE;
    histogram.record(1);
    expect(histogram.percentile(1)).to.be.at.least(1000);
    now = 11 * MINUTE;
    expect(histogram.percentile(1)).to.be.below(2);
    now = 60 * MINUTE;
    expect(histogram.percentile(1)).to.equal(0);
  });
});
