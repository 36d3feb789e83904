import { expect } from 'chai';
import { AdmissionQueue } from '../../../lib/runners/threads/admission-queue.ts';

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
    expect(queue.add(waiting('a', 'a1'))).to.equal(true);
    expect(queue.add(waiting('a', 'a2'))).to.equal(false);
    queue.addFirst(waiting('a', 'a0'));
    expect(names(queue)).to.deep.equal(['a0', 'a1']);
    expect(queue.size).to.equal(2);
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
