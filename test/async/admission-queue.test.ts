import { expect } from 'chai';
import { AdmissionQueue } from '../../lib/async/admission-queue.ts';

const waiting = (keyId: string, name: string, isExclusive = false) => ({
  name,
  isExclusive,
  request: { caller: { keyId } },
});
const names = (queue: AdmissionQueue<ReturnType<typeof waiting>>) =>
  [...queue.inOrder()].map(({ name }) => name);

describe('AdmissionQueue', () => {
  it("takes turns between keys, so that one key's flood does not hold up another's call", () => {
    const queue = new AdmissionQueue<ReturnType<typeof waiting>>(10);
    for (const name of ['a1', 'a2', 'a3']) queue.add(waiting('a', name));
    queue.add(waiting('b', 'b1'));
    expect(names(queue)).to.deep.equal(['a1', 'b1', 'a2', 'a3']);
  });

  it('puts the key whose call was served behind the others', () => {
    const queue = new AdmissionQueue<ReturnType<typeof waiting>>(10);
    const first = waiting('a', 'a1');
    queue.add(first);
    queue.add(waiting('a', 'a2'));
    queue.add(waiting('b', 'b1'));
    expect(queue.remove(first)).to.equal(true);
    expect(queue.remove(first)).to.equal(false);
    expect(names(queue)).to.deep.equal(['b1', 'a2']);
  });

  it('refuses what exceeds its limit, but not a call that comes back', () => {
    const queue = new AdmissionQueue<ReturnType<typeof waiting>>(1);
    expect(queue.add(waiting('a', 'a1'))).to.equal(null);
    const refused = waiting('a', 'a2');
    expect(queue.add(refused)).to.equal(refused);
    queue.addFirst(waiting('a', 'a0'));
    expect(names(queue)).to.deep.equal(['a0', 'a1']);
    expect(queue.size).to.equal(2);
  });

  it('lets the newest call of the greediest key make room for a key with fewer', () => {
    const queue = new AdmissionQueue<ReturnType<typeof waiting>>(4);
    for (const name of ['a1', 'a2', 'a3']) queue.add(waiting('a', name, true));
    queue.add(waiting('b', 'b1'));
    expect(queue.add(waiting('c', 'c1'))).to.include({ name: 'a3' });
    expect(queue.exclusives).to.equal(2);
    expect(names(queue)).to.have.members(['a1', 'a2', 'b1', 'c1']);
    // Nobody has two more than b now: to make room for it again would only turn the tables.
    expect(queue.add(waiting('b', 'b2'))).to.include({ name: 'b2' });
    expect(queue.add(waiting('a', 'a3'))).to.include({ name: 'a3' });
    expect(queue.size).to.equal(4);
  });

  it('counts none against its limit for whom a place is on its way', () => {
    const expected = (shared: number, exclusive: number) => Math.min(shared, 3) + Math.min(exclusive, 1);
    const queue = new AdmissionQueue<ReturnType<typeof waiting>>(1, () => 0, expected);
    const add = (name: string, isExclusive: boolean) => queue.add(waiting('a', name, isExclusive))?.name;
    expect(['s1', 's2', 's3', 's4'].map((name) => add(name, false))).to.deep.equal(Array(4).fill(undefined));
    expect(add('s5', false)).to.equal('s5');
    expect(add('e1', true)).to.equal(undefined);
    expect(add('e2', true)).to.equal('e2');
    expect(names(queue)).to.deep.equal(['s1', 's2', 's3', 's4', 'e1']);
  });

  it('serves first the key that holds the least of the threads', () => {
    const held = new Map([['a', 3]]);
    const queue = new AdmissionQueue<ReturnType<typeof waiting>>(10, (key) => held.get(key) ?? 0);
    for (const name of ['a1', 'a2']) queue.add(waiting('a', name));
    for (const name of ['b1', 'b2', 'b3', 'b4']) queue.add(waiting('b', name));
    const seen: string[] = [];
    for (const { name, request } of queue.inOrder()) {
      seen.push(name);
      held.set(request.caller.keyId, (held.get(request.caller.keyId) ?? 0) + 1);
    }
    expect(seen).to.deep.equal(['b1', 'b2', 'b3', 'a1', 'b4', 'a2']);
  });

  it('gives every call once while those that are looked at are taken out', () => {
    const queue = new AdmissionQueue<ReturnType<typeof waiting>>(10);
    for (const name of ['a1', 'a2', 'a3', 'a4']) queue.add(waiting('a', name, true));
    for (const name of ['b1', 'b2']) queue.add(waiting('b', name));
    expect(queue.exclusives).to.equal(4);
    const seen: string[] = [];
    for (const call of queue.inOrder()) {
      seen.push(call.name);
      if (['a1', 'b1', 'a3'].includes(call.name)) queue.remove(call);
    }
    expect(seen).to.deep.equal(['a1', 'b1', 'a2', 'b2', 'a3', 'a4']);
    expect(names(queue)).to.have.members(['a2', 'a4', 'b2']);
    expect(queue.exclusives).to.equal(2);
  });
});
