/** The transports of a gateway as a set: names, opening, failing, counting and closing. */
import { expect } from 'chai';
import { option } from '../../lib/config/option.ts';
import { wholeNumber } from '../../lib/config/value-kind.ts';
import type { Transport, TransportContext } from '../../lib/index.ts';
import type { TransportEntry } from '../../lib/transports/transport.ts';
import { TransportSet } from '../../lib/transports/transport-set.ts';

type Common = Omit<TransportContext, 'meter' | 'options'>;

class Fake implements Transport {
  readonly name: string;
  /** What happened, in order. */
  readonly told: string[];
  readonly #fails: boolean;
  context: TransportContext | undefined;

  constructor(name: string, told: string[], fails = false) {
    this.name = name;
    this.told = told;
    this.#fails = fails;
  }

  open(context: TransportContext): void {
    if (this.#fails) throw new Error(`${this.name} cannot be opened`);
    this.context = context;
    this.told.push(`open ${this.name}`);
  }

  close(): void {
    this.told.push(`close ${this.name}`);
  }
}

const nothing = {} as Common;

describe('TransportSet', () => {
  let told: string[];
  let logged: string[];
  const setOf = (added: readonly Transport[], builtIn: readonly TransportEntry[] = []) =>
    new TransportSet({
      builtIn,
      added,
      settings: { size: 7, secret: 'not for all' },
      log: (level, message, fields) => logged.push(`${level}: ${message} (${fields?.['transport']})`),
    });
  beforeEach(() => {
    told = [];
    logged = [];
  });

  it('takes no two transports of one name, and says which', () => {
    const builtIn: TransportEntry = {
      name: 'smoke',
      opens: 'connect',
      options: {},
      rules: [],
      load: () => Promise.reject(new Error('not asked for')),
    };
    const twice = () => setOf([new Fake('smoke', told)], [builtIn]);
    expect(twice).to.throw('two transports are named "smoke"').with.property('code', 'invalid_arguments');
  });

  it('takes nothing that is no transport, and says which', () => {
    for (const given of [
      undefined,
      'smoke',
      { name: '', open() {}, close() {} },
      { name: 'smoke', open() {} },
    ]) {
      const call = () => setOf([new Fake('flags', told), given as Transport]);
      expect(call).to.throw('transports[1] is no transport').with.property('code', 'invalid_arguments');
    }
  });

  it('hands each transport the options that it declares, and no other', async () => {
    const kind = wholeNumber(0, 9);
    const sizeOption = option({ env: 'SIZE', kind, default: '7', summary: 'Size.', reason: 'Seven.' });
    const fake = new Fake('smoke', told);
    const set = setOf(
      [],
      [{ name: 'smoke', opens: 'listen', options: { size: sizeOption }, rules: [], load: async () => fake }],
    );
    await set.listen(nothing);
    expect(fake.context?.options).to.deep.equal({ size: 7 });
    await set.close();
  });

  it('closes what it opened when the next cannot be opened, and opens it again afterwards', async () => {
    const fails = [true, false];
    const moody: TransportEntry = {
      name: 'moody',
      opens: 'listen',
      options: {},
      rules: [],
      load: async () => new Fake('moody', told, fails.shift()),
    };
    const last = new Fake('last', told);
    const set = setOf([last], [moody]);
    const before = setOf([], []);
    expect(before.stats()).to.deep.equal({ transports: {} });
    const first = await set.listen(nothing).then(String, String);
    expect(first).to.equal('Error: moody cannot be opened');
    expect([told, set.stats()]).to.deep.equal([[], { transports: {} }]);
    await set.listen(nothing);
    expect(told).to.deep.equal(['open moody', 'open last']);
    await set.close();
  });

  it('closes the ones before in a failed opening', async () => {
    const set = setOf([new Fake('first', told), new Fake('broken', told, true), new Fake('last', told)]);
    expect(await set.listen(nothing).then(String, String)).to.equal('Error: broken cannot be opened');
    expect(told).to.deep.equal(['open first', 'close first']);
  });

  it('shows the meter and the numbers of each that listens, beside each other or at a key of their own', async () => {
    const counted = Object.assign(new Fake('counted', told), { stats: () => ({ rooms: 2 }) });
    const apart = Object.assign(new Fake('apart', told), { stats: () => ({ rooms: 3 }) });
    const set = setOf(
      [counted],
      [{ name: 'apart', opens: 'listen', options: {}, rules: [], statsKey: 'wing', load: async () => apart }],
    );
    await set.listen(nothing);
    if (counted.context) counted.context.meter.bytes = 5;
    const meter = { connections: 0, streams: 0, bytes: 0, slowConsumers: 0 };
    expect(set.stats()).to.deep.equal({
      transports: { apart: meter, counted: { ...meter, bytes: 5, rooms: 2 } },
      wing: { rooms: 3 },
    });
    await set.close();
    expect(set.stats()).to.deep.equal({ transports: {} });
  });

  it('goes on when one fails to tell its numbers, or to close', async () => {
    const broken = Object.assign(new Fake('broken', told), {
      stats: () => {
        throw new Error('no numbers');
      },
      close: () => Promise.reject(new Error('no end')),
    });
    const set = setOf([broken, new Fake('sound', told)]);
    await set.listen(nothing);
    expect(Object.keys(set.stats().transports)).to.deep.equal(['broken', 'sound']);
    await set.close();
    expect(told).to.deep.equal(['open broken', 'open sound', 'close sound']);
    expect(logged).to.deep.equal([
      'error: a transport failed to tell its numbers (broken)',
      'error: a transport failed to close (broken)',
    ]);
  });

  it('serves one client until it has left, or until the set is closed, and nobody after that', async () => {
    let leave: () => void = () => {};
    const load = async () => {
      const closed = new Promise<void>((resolve) => {
        leave = resolve;
      });
      return { name: 'pair', open: () => void told.push('open pair'), close: leave, closed };
    };
    const set = setOf([], [{ name: 'pair', opens: 'connect', options: {}, rules: [], load }]);
    const context = nothing as never;
    const first = set.serve('connect', context);
    await new Promise(setImmediate);
    expect([told, set.stats()]).to.deep.equal([['open pair'], { transports: {} }]);
    leave();
    await first;
    const second = set.serve('connect', context);
    await new Promise(setImmediate);
    await set.close();
    await second;
    const third = await set.serve('connect', context).then(String, (error) => error.code);
    expect(third).to.equal('unavailable');
  });
});
