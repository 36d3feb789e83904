/** A short run of chaos: every kind once, with a seed, and nothing that is promised broken. */
import { expect } from 'chai';
import { AWAITED } from './awaited.ts';
import { TRANSPORT_NAMES } from './clients/transport.ts';
import { KINDS, kindsNamed } from './kinds/all-kinds.ts';
import { planFaults } from './plan.ts';
import { Random } from './random.ts';
import { verdictOf, violationsOf } from './report.ts';
import { runChaos } from './run-chaos.ts';

const tried = KINDS.filter(({ name }) => !(name in AWAITED));

describe('chaos', () => {
  it('plans the same faults for the same seed, and every kind in the first round', () => {
    const plan = (seed: number) =>
      [...planFaults(new Random(seed), KINDS, TRANSPORT_NAMES, KINDS.length)].map(
        ({ kind, transport }) => `${kind.name} ${transport}`,
      );
    expect(plan(5)).to.deep.equal(plan(5));
    expect(plan(5)).not.to.deep.equal(plan(6));
    expect(new Set(plan(5).map((fault) => fault.split(' ')[0])).size).to.equal(KINDS.length);
  });

  it('takes kinds by name and by group, and leaves them out with a minus', () => {
    const names = kindsNamed(['poison', '-poison-date-now']).map(({ name }) => name);
    expect(names).to.include('poison-json-parse').and.not.to.include('poison-date-now');
    expect(names).not.to.include('throw-null');
    expect(() => kindsNamed(['no-such-kind'])).to.throw('no-such-kind');
  });

  it('names as awaited only kinds that there are', () => {
    const known = KINDS.map(({ name }) => name);
    expect(Object.keys(AWAITED).filter((name) => !known.includes(name))).to.deep.equal([]);
  });

  it('breaks nothing that is promised, by any fault over any transport', async function () {
    this.timeout(400_000);
    const report = await runChaos({
      seed: 20,
      faults: tried.length,
      // What a busy machine has time for; all of them elsewhere.
      seconds: 45,
      kinds: tried,
      transports: TRANSPORT_NAMES,
      parallel: 5,
      // A fixed number of threads: that idle ones are given back takes half a minute, and is tested elsewhere.
      env: { MIN_WORKERS: '5', MAX_WORKERS: '5' },
    });
    console.log(verdictOf(report).replace(/^/gm, '        '));
    if (!report.ledger.isClean) console.log(violationsOf(report));
    expect(report.ledger.violations.map(({ text }) => text)).to.deep.equal([]);
    expect(report.ledger.faults).to.be.at.least(20);
    expect(report.ledger.controlCalls.size).to.equal(TRANSPORT_NAMES.length);
  });
});
