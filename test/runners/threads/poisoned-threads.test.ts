/** What one caller's call does to the built-ins of its thread, and what another caller's calls see of it: nothing. */
import { expect } from 'chai';
import type { ToolEvent } from '../../../lib/call/call-events.ts';
import type { OpenSource } from '../../../lib/runners/threads/crew/thread-crew.ts';
import { PiscinaThreads } from '../../../lib/runners/threads/piscina/piscina-threads.ts';
import type { PoolOptions, WorkerPool } from '../../../lib/runners/threads/worker-pool.ts';
import { DEEP_POISONS, EARLY_POISONS, LATE_POISONS, POISONS } from '../../fixtures/poisonous-tools.ts';
import { eventually } from '../../support/eventually.ts';
import { call, eventsOf, startPool } from '../../support/start-pool.ts';

const by = (keyId: string) => ({ caller: { keyId, transport: 'http' } });

/** What a call tells its caller, without its times and its progress. */
function told(events: readonly ToolEvent[]): unknown[] {
  return events.flatMap((event): unknown[] => {
    if (event.type === 'chunks') return [...event.items];
    if (event.type === 'result') return [{ data: event.data, chunks: event.chunks }];
    return event.type === 'error' ? [event.error.code, event.error.message] : [];
  });
}

for (const isolation of ['exclusive', 'shared'] as const) {
  describe(`a thread of ${isolation} calls that one caller's call has changed`, () => {
    let pool: WorkerPool;
    let expected: unknown[];
    const controls = async (keyId: string) =>
      told(await eventsOf(call(pool, `control_${isolation}`, {}, by(keyId))));

    before(async () => {
      pool = await startPool({ minThreads: 1, maxThreads: 1 }, ['poisonous-tools']);
      expected = await controls('victim');
      expect(expected).to.have.length(3);
    });
    after(() => pool.close());

    const deep = isolation === 'exclusive' ? Object.keys(DEEP_POISONS) : [];
    for (const how of [...Object.keys(POISONS), ...deep]) {
      it(`serves no other caller: ${how}`, async () => {
        const { restarts } = pool.stats().own.summary.workers;
        const end = await call(pool, `poison_${isolation}`, { how }, by('attacker')).outcome();
        expect(end.type).to.be.oneOf(['result', 'error']);
        for (let round = 0; round < 3; round++) expect(await controls('victim')).to.deep.equal(expected);
        await eventually(() => pool.stats().own.summary.workers.restarts > restarts);
      }).timeout(60_000);
    }
  });
}

describe('a thread for one caller alone', () => {
  let pool: WorkerPool;
  const start = async (options: Partial<PoolOptions>) => {
    pool = await startPool({ minThreads: 2, hasOneCaller: true, ...options }, ['poisonous-tools']);
  };
  afterEach(() => pool.close());

  const end = (name: string, args: object, keyId: string) => call(pool, name, args, by(keyId)).outcome();
  const restarts = () => pool.stats().own.summary.workers.restarts;
  const data = '{"when":"1970-01-01T00:00:00.000Z","list":[1]}';

  it('serves it as any does, and is there as long as no other comes', async () => {
    await start({});
    for (let round = 0; round < 5; round++)
      expect(await end('patient', { ms: 1 }, 'one')).to.include({ data });
    expect(restarts()).to.equal(0);
  });

  for (const how of ['Date.now', 'Math.random', 'node:path'])
    it(`is replaced before a second one comes to it, which meets nothing of the first: ${how}`, async () => {
      await start({});
      const expected = told(await eventsOf(call(pool, 'control_shared', {}, by('attacker'))));
      const details: string[] = [];
      pool.listen({ unit: ({ kind, detail }) => kind === 'retired' && details.push(detail) });
      for (const kind of ['exclusive', 'shared']) await end(`poison_${kind}`, { how }, 'attacker');
      for (const kind of ['exclusive', 'shared', 'exclusive', 'shared'])
        expect(told(await eventsOf(call(pool, `control_${kind}`, {}, by('victim'))))).to.deep.equal(expected);
      expect([...new Set(details)]).to.deep.equal(['a second caller has come']);
      await end('poison_shared', { how }, 'victim');
      expect(told(await eventsOf(call(pool, 'control_shared', {}, by('attacker'))))).to.deep.equal(expected);
    }).timeout(60_000);

  it('takes no call of another by itself', async () => {
    const threads: OpenSource = (own, host) => {
      const source = new PiscinaThreads(own, host);
      const spawn = source.spawn.bind(source);
      source.spawn = () => spawn('one');
      return source;
    };
    await start({ minThreads: 1, maxThreads: 1, hasOneCaller: false, threads });
    const expected = told(await eventsOf(call(pool, 'control_shared', {}, by('attacker'))));
    for (const [at, keyId] of ['victim', 'attacker', 'victim'].entries()) {
      expect(told(await eventsOf(call(pool, 'control_shared', {}, by(keyId))))).to.deep.equal(expected);
      await eventually(() => restarts() === at + 1);
    }
  });

  it('lets its calls end when a second one comes', async () => {
    await start({ minThreads: 1, maxThreads: 2 });
    const long = call(pool, 'patient', { ms: 60_000 }, by('one'));
    await eventually(() => long.hasStarted);
    expect(await end('patient', { ms: 1 }, 'another')).to.include({ data });
    expect(pool.stats().own.details.workers.filter(({ state }) => state === 'retiring')).to.have.length(1);
    long.cancel('cancelled');
    expect(await long.outcome()).to.have.nested.property('error.code', 'cancelled');
    expect(await end('patient', { ms: 1 }, 'one')).to.include({ data });
    await eventually(() => pool.stats().own.details.workers.length === 1);
  });
});

describe('a thread with several callers', () => {
  let pool: WorkerPool;
  beforeEach(async () => {
    pool = await startPool({ minThreads: 1, maxThreads: 1 }, ['poisonous-tools']);
  });
  afterEach(() => pool.close());

  const end = (name: string, args: object, keyId: string) => call(pool, name, args, by(keyId)).outcome();
  const restarts = () => pool.stats().own.summary.workers.restarts;
  const RIGHT = '{"when":"1970-01-01T00:00:00.000Z","list":[1]}';

  it('is not looked at before the second comes', async () => {
    for (let round = 0; round < 20; round++) {
      expect(await end('looks', {}, 'one')).to.include({ data: '1' });
      await Promise.all([end('patient', { ms: 5 }, 'one'), end('patient', { ms: 1 }, 'one')]);
    }
    expect(await end('looks', {}, 'one')).to.include({ data: '1' });
    expect(await end('looks', {}, 'another')).to.include({ data: '2' });
  });

  it('takes the use of what Node has for no change', async () => {
    for (const keyId of ['one', 'another', 'one', 'another'])
      expect(await end('platform', {}, keyId)).to.include({ data: 'null' });
    // A connection that is slow to close costs one on a busy machine; a change would cost one each time.
    expect(restarts()).to.be.at.most(1);
  });

  it('may have used what Node loads late before it is looked at', async () => {
    for (const keyId of ['one', 'another', 'one'])
      expect(await end('fetches', {}, keyId)).to.include({ data: 'null' });
    expect(restarts()).to.equal(0);
  });

  for (const how of Object.keys({ ...LATE_POISONS, ...EARLY_POISONS }))
    it(`serves no other caller where what Node loads late was changed before it was looked at: ${how}`, async () => {
      await end('fetches', { how }, 'attacker');
      await end('control_exclusive', {}, 'victim');
      await eventually(() => restarts() === 1);
    });

  for (const how of [
    'Object.prototype.toJSON, for good',
    'Object.prototype.toJSON, assigned',
    'Date.prototype.toJSON',
  ])
    it(`gives no neighbour a wrong success: ${how}`, async () => {
      const neighbours = Array.from({ length: 5 }, (_, n) => end('patient', { ms: 20 + n }, 'victim'));
      await end('poison_shared', { how }, 'attacker');
      for (const outcome of await Promise.all(neighbours)) {
        if (outcome.type === 'result') expect(outcome.data).to.equal(RIGHT);
        else expect(outcome.error.code).to.equal('worker_crashed');
      }
      expect(await end('patient', { ms: 1 }, 'victim')).to.include({ data: RIGHT });
    });

  it('is looked at while they use it, so that a change after a call does not stay', async () => {
    await end('later', { ms: 20 }, 'attacker');
    const victim = end('patient', { ms: 300 }, 'victim');
    await end('patient', { ms: 150 }, 'victim');
    await victim;
    await eventually(() => restarts() === 1);
  });

  it('says what was changed, once, and by which tool', async () => {
    const details: string[] = [];
    pool.listen({ unit: ({ kind, detail }) => kind === 'retired' && details.push(detail) });
    await end('poison_exclusive', { how: 'Date.now' }, 'attacker');
    await Promise.all(Array.from({ length: 5 }, () => end('control_shared', {}, 'victim')));
    expect(details).to.deep.equal(['a call of "poison_exclusive" changed Date.now']);
  });

  it('is given up when three calls in a row fail before their tools begin', async () => {
    for (let round = 0; round < 3; round++)
      expect(await end('bad_schema', {}, 'one')).to.have.nested.property('error.code', 'tool_failed');
    await eventually(() => restarts() === 1);
  });

  it('ends every call of the one who changed it exactly once', async () => {
    for (const how of [
      'Promise.prototype.constructor',
      'Map.prototype',
      'JSON.stringify',
      'a setter for Array.prototype[0]',
    ]) {
      await end('poison_shared', { how }, 'attacker');
      const events = await eventsOf(call(pool, 'control_shared', {}, by('attacker')));
      expect(events.filter(({ type }) => type === 'result' || type === 'error')).to.have.length(1);
    }
  });
});
