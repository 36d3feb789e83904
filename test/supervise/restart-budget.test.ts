import { expect } from 'chai';
import { RestartBudget } from '../../lib/supervise/restart-budget.ts';

describe('a restart budget', () => {
  let now = 0;
  let budget: RestartBudget;
  beforeEach(() => {
    now = 0;
    budget = new RestartBudget(() => now);
  });

  /** A gateway serves for a while and dies; the next one waits as long as it must. */
  const die = (livedMs: number): number => {
    now += livedMs;
    const waitMs = budget.restart(livedMs);
    now += waitMs;
    return waitMs;
  };
  const deaths = (times: number, livedMs: number) => Array.from({ length: times }, () => die(livedMs));

  it('lets five restarts within ten seconds be immediate, and doubles the wait of each that follows', () => {
    expect(deaths(15, 10)).to.deep.equal([
      ...[0, 0, 0, 0, 0],
      ...[100, 200, 400, 800, 1600, 3200, 6400],
      ...[10_000, 10_000, 10_000],
    ]);
  });

  it('never waits for a gateway that dies every three seconds', () => {
    expect(deaths(50, 3000)).to.deep.equal(new Array(50).fill(0));
  });

  it('forgets once a gateway has lived for ten seconds', () => {
    deaths(10, 10);
    expect(die(9999)).to.be.above(0);
    expect(deaths(5, 10_000)).to.deep.equal([0, 0, 0, 0, 0]);
  });
});
