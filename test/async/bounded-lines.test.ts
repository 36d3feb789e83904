/** A flood in a log. */
import { expect } from 'chai';
import { BoundedLines } from '../../lib/async/bounded-lines.ts';
import { eventually } from '../support/eventually.ts';

describe('BoundedLines', () => {
  const held: [string, number][] = [];
  beforeEach(() => held.splice(0));
  const lines = () => new BoundedLines((kind, count) => held.push([kind, count]));

  it('lets ten of a kind through in a second, and tells once how many came besides', async () => {
    const bounded = lines();
    const passed = (kind: string, count: number) =>
      Array.from({ length: count }, () => bounded.passes(kind)).filter(Boolean).length;
    expect(passed('a', 25)).to.equal(10);
    expect(passed('b', 10), 'another kind').to.equal(10);
    await eventually(() => held.length > 0);
    expect(held).to.deep.equal([['a', 15]]);
    expect(passed('a', 1), 'in the next second').to.equal(1);
  });

  it('begins a new second where the one before was quiet', () => {
    const bounded = lines();
    for (let second = 0; second < 5; second++)
      for (let n = 0; n < 10; n++) expect(bounded.passes('a', second * 1000)).to.equal(true);
    expect(held).to.deep.equal([]);
  });
});
