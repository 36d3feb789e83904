import { expect } from 'chai';
import { TokenBucket } from '../../lib/async/token-bucket.ts';

describe('TokenBucket', () => {
  const taken = (bucket: TokenBucket, now: number): number => {
    let count = 0;
    while (bucket.take(now)) count++;
    return count;
  };

  it('lets a burst through, then what its rate refills, and never saves more than a burst', () => {
    const bucket = new TokenBucket(5, 10);
    expect(taken(bucket, 1000)).to.equal(5);
    expect(taken(bucket, 1099)).to.equal(0);
    expect(taken(bucket, 1300)).to.equal(3);
    expect(taken(bucket, 60_000)).to.equal(5);
  });

  it('makes later ones wait for one that went without asking', () => {
    const bucket = new TokenBucket(1, 10);
    expect(bucket.take(1000)).to.equal(true);
    bucket.owe();
    expect(bucket.take(1150)).to.equal(false);
    expect(bucket.take(1200)).to.equal(true);
  });
});
