import { expect } from 'chai';
import { TransitMap } from '../../lib/async/transit-map.ts';

describe('TransitMap', () => {
  it('gives what is there, and nothing for what was deleted', () => {
    const map = new TransitMap<number, { readonly n: number }>();
    for (let n = 0; n < 1000; n++) {
      map.set(n, { n });
      if (n >= 10) expect(map.delete(n - 10)).to.equal(true);
    }
    expect(map.size).to.equal(10);
    expect(map.get(995)).to.deep.equal({ n: 995 });
    expect([map.get(3), map.has(3), map.delete(3)]).to.deep.equal([undefined, false, false]);
    expect(map.values().map(({ n }) => n)).to.deep.equal([990, 991, 992, 993, 994, 995, 996, 997, 998, 999]);
  });

  it('replaces a value in its place, and takes a key again that was deleted', () => {
    const map = new TransitMap<string, { readonly n: number }>();
    map.set('a', { n: 1 });
    map.set('b', { n: 2 });
    map.set('a', { n: 3 });
    expect(map.values()).to.deep.equal([{ n: 3 }, { n: 2 }]);
    map.delete('a');
    map.set('a', { n: 4 });
    expect(map.values()).to.deep.equal([{ n: 2 }, { n: 4 }]);
  });

  it('lets entries be deleted while its values are gone through, and is empty when cleared', () => {
    const map = new TransitMap<number, { readonly n: number }>();
    for (let n = 0; n < 5; n++) map.set(n, { n });
    for (const { n } of map.values()) if (n % 2 === 0) map.delete(n);
    expect(map.values()).to.deep.equal([{ n: 1 }, { n: 3 }]);
    map.clear();
    expect([map.size, map.has(1), map.values()]).to.deep.equal([0, false, []]);
  });
});
