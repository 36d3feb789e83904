import { expect } from 'chai';
import { GuardedList } from '../../lib/async/guarded-list.ts';

interface Listener {
  one?(event: number): void;
  other?(event: string): void;
}

describe('GuardedList', () => {
  const newList = () => {
    const failed: string[] = [];
    const list = new GuardedList<Listener>(['one', 'other'], (hook, error) =>
      failed.push(`${hook}: ${error}`),
    );
    return { list, failed };
  };

  it('tells everybody, methods of classes included, until they are taken out', () => {
    const { list } = newList();
    const told: unknown[] = [];
    class Counter implements Listener {
      readonly #factor = 10;
      one(event: number): void {
        told.push(event * this.#factor);
      }
    }
    const end = list.add(new Counter());
    list.add({ one: (event) => told.push(event), other: (event) => told.push(event) });
    list.tell('one', 1);
    list.tell('other', 'a');
    end();
    list.tell('one', 2);
    expect(told).to.deep.equal([10, 1, 'a', 2]);
  });

  it('knows whether anybody listens to a hook', () => {
    const { list } = newList();
    const end = list.add({ one() {} });
    expect([list.has('one'), list.has('other')]).to.deep.equal([true, false]);
    end();
    expect(list.has('one')).to.equal(false);
  });

  it('counts what listeners throw or reject with, tells the first of each hook, and goes on', async () => {
    const { list, failed } = newList();
    let told = 0;
    list.add({
      one() {
        throw new Error('thrown');
      },
      other: (async () => {
        throw new Error('rejected');
      }) as () => void,
    });
    list.add({
      one: (() => ({
        // biome-ignore lint/suspicious/noThenProperty: that is what is tested
        get then() {
          throw new Error('a promise that is none');
        },
      })) as () => void,
    });
    list.add({ one: () => told++, other: () => told++ });
    for (let round = 0; round < 3; round++) {
      list.tell('one', 1);
      list.tell('other', 'a');
    }
    await new Promise(setImmediate);
    expect(told).to.equal(6);
    expect(list.failures).to.deep.equal({ one: 6, other: 3 });
    expect(failed).to.deep.equal(['one: Error: thrown', 'other: Error: rejected']);
  });

  it('lets a listener be taken out while the list is told', () => {
    const { list } = newList();
    const told: string[] = [];
    const end = list.add({
      one() {
        told.push('first');
        end();
      },
    });
    list.add({ one: () => told.push('second') });
    list.tell('one', 1);
    list.tell('one', 1);
    expect(told).to.deep.equal(['first', 'second', 'second']);
  });
});
