import { expect } from 'chai';
import { AdmissionQueue } from '../../lib/pool/admission-queue.ts';

const waiting = (keyId: string, name: string) => ({ name, request: { caller: { keyId } } });
const names = (queue: AdmissionQueue<ReturnType<typeof waiting>>) => queue.inOrder().map(({ name }) => name);

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
});
