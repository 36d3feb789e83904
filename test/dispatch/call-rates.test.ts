/** Counting calls in windows of a second. */
import { expect } from 'chai';
import { CallRates, type RateLimit } from '../../lib/dispatch/call-rates.ts';

describe('the rates of calls', () => {
  const key: RateLimit = { subject: 'key', name: 'a', calls: 2 };
  const tool: RateLimit = { subject: 'tool', name: 'a', calls: 1 };
  let now = 0;
  const rates = () => new CallRates(() => now);

  beforeEach(() => {
    now = 5000;
  });

  it('let so many calls through in the second that the first of them begins, and say how long it lasts', () => {
    const counted = rates();
    expect(counted.take([key])).to.equal(undefined);
    now += 400;
    expect(counted.take([key])).to.equal(undefined);
    expect(counted.take([key])).to.include({ code: 'rate_limited', retryAfterMs: 600 });
    expect(counted.quotas([key])).to.deep.equal([{ subject: 'key', calls: 2, remaining: 0, resetMs: 600 }]);
    now += 600;
    expect(counted.take([key])).to.equal(undefined);
    expect(counted.quotas([key])[0]).to.include({ remaining: 1, resetMs: 1000 });
  });

  it('count a call against all its limits or, where one is used up, against none', () => {
    const counted = rates();
    expect(counted.take([key, tool])).to.equal(undefined);
    expect(counted.take([key, tool])).to.include({ message: 'more than 1 calls a second of this tool' });
    expect(counted.quotas([key, tool]).map(({ remaining }) => remaining)).to.deep.equal([1, 0]);
  });

  it('forget what is over, however many keys there have been', () => {
    const counted = rates();
    for (let n = 0; n < 5000; n++) {
      now += 1;
      expect(counted.take([{ ...key, name: `key ${n}` }])).to.equal(undefined);
    }
    expect(counted.size).to.be.below(2100);
  });
});
