import { expect } from 'chai';
import type { TerminalEvent } from '../../../lib/call/call-events.ts';
import type { ToolLogRecord } from '../../../lib/runners/runner.ts';
import { explainDeath } from '../../../lib/runners/threads/ending/thread-death.ts';
import type { WorkerPool } from '../../../lib/runners/threads/worker-pool.ts';
import { eventually } from '../../support/eventually.ts';
import { call, eventsOf, startPool } from '../../support/start-pool.ts';

/** A shared call that goes on until it is answered, and then succeeds. */
async function startAsking(pool: WorkerPool) {
  const running = call(pool, 'ask', {}, { abilities: { elicitForm: true } });
  const events = running[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await events.next();
    if (done) throw new Error('it has asked nothing');
    if (value.type !== 'ask') continue;
    const { ask } = value;
    return { running, answer: () => running.answer(ask, { value: { action: 'accept', content: {} } }) };
  }
}

const codeOf = (end: TerminalEvent): string => (end.type === 'error' ? end.error.code : 'success');

describe('a thread that dies or must be replaced', () => {
  let pool: WorkerPool;
  const logged: ToolLogRecord[] = [];
  const start = async (...given: Parameters<typeof startPool>) => {
    pool = await startPool(...given);
    logged.length = 0;
    pool.listen({ log: (record) => logged.push(record) });
  };
  afterEach(() => pool?.close());

  const ENDS: Readonly<Record<string, string>> = {
    'throw-error': 'tool_failed',
    'throw-null': 'tool_failed',
    'throw-tool-error': 'not_found',
    'throw-foreign-code': 'tool_failed',
    'return-function': 'result_not_serializable',
    'return-bigint': 'result_not_serializable',
    'return-cycle': 'result_not_serializable',
    'return-large': 'result_too_large',
    'bad-chunk': 'result_not_serializable',
    'bad-chunk-and-hang': 'result_not_serializable',
    'overflow-stack': 'tool_failed',
    exit: 'worker_crashed',
    'exit-after-chunks': 'worker_crashed',
    'late-throw': 'worker_crashed',
    'late-rejection': 'worker_crashed',
    allocate: 'worker_out_of_memory',
    print: 'success',
  };
  for (const [how, code] of Object.entries(ENDS)) {
    it(`ends a call that does ${how} once, with ${code}, and the next call runs`, async () => {
      await start();
      const events = await eventsOf(call(pool, 'misbehave', { how }));
      const ends = events.filter((event) => event.type === 'result' || event.type === 'error');
      expect(ends).to.have.length(1);
      expect(codeOf(ends[0] as TerminalEvent)).to.equal(code);
      expect(codeOf(await call(pool, 'sum', { n: 1 }).outcome())).to.equal('success');
    });
  }

  it('leaves a pool without threads degraded while others start in their place, since calls wait for these', async () => {
    await start({ minThreads: 1, maxThreads: 1 });
    const crashed = call(pool, 'misbehave', { how: 'exit' });
    expect(codeOf(await crashed.outcome())).to.equal('worker_crashed');
    const { status, own } = pool.stats();
    expect([status, own.summary.workers.starting]).to.deep.equal(['degraded', 1]);
    expect(codeOf(await call(pool, 'sum', { n: 1 }).outcome())).to.equal('success');
    await eventually(() => pool.health() === 'ok');
  });

  it('does not run a call again that had begun, though its thread could not tell', async () => {
    await start();
    for (const streams of [true, false]) {
      const end = await call(pool, 'misbehave', { how: 'allocate' }, { streams }).outcome();
      expect(codeOf(end)).to.equal('worker_out_of_memory');
    }
    expect(pool.stats().own.details.pool.crashes).to.equal(2);
  });

  it('keeps a stray message of the tool out of the error and puts its stack in the cause', async () => {
    await start();
    const end = await call(pool, 'misbehave', { how: 'throw-error' }).outcome();
    expect(end.type).to.equal('error');
    if (end.type !== 'error') return;
    expect(end.error.message).not.to.include('secret');
    expect(String(end.error.cause)).to.include('a secret in /etc/path');
  });

  it('gives every chunk that was yielded before the exit, then the error', async () => {
    await start();
    for (let round = 0; round < 5; round++) {
      const events = await eventsOf(call(pool, 'misbehave', { how: 'exit-after-chunks', n: 2000 }));
      const chunks = events.reduce(
        (sum, event) => sum + (event.type === 'chunks' ? event.items.length : 0),
        0,
      );
      expect(chunks).to.equal(2000);
      expect(events.at(-1)).to.have.nested.property('error.code', 'worker_crashed');
    }
  });

  it('blames an error that comes after the return on nobody, and replaces the thread', async () => {
    await start({ minThreads: 1, maxThreads: 1 });
    expect(codeOf(await call(pool, 'misbehave', { how: 'throw-after-return' }).outcome())).to.equal(
      'success',
    );
    expect(codeOf(await call(pool, 'wait_alone', { ms: 300 }).outcome())).to.equal('success');
    await eventually(() => logged.some(({ message }) => message.includes('after return')));
    await eventually(() => pool.stats().own.summary.workers.restarts >= 1 && pool.health() === 'ok');
  });

  it('lets the neighbours of a shared call finish when a stray error retires their thread', async () => {
    await start({ minThreads: 1, maxThreads: 1 }, ['basic-tools', 'shared-faults']);
    const neighbour = await startAsking(pool);
    const crashing = await call(pool, 'late_throw_shared').outcome();
    expect(codeOf(crashing)).to.equal('worker_crashed');
    expect(pool.stats().own.details.workers[0]).to.include({ state: 'retiring', crashes: 1 });
    neighbour.answer();
    expect(codeOf(await neighbour.running.outcome())).to.equal('success');
    await eventually(() => pool.stats().own.summary.workers.restarts === 1);
    expect(pool.stats().own.details.pool).to.include({ crashes: 1, kills: 0 });
  });

  it('runs a call elsewhere when its thread died before the call ran', async () => {
    await start({ minThreads: 1, maxThreads: 1 }, ['basic-tools', 'shared-faults']);
    // The first blocks the thread, then ends it; the second is on the thread by then and has not run.
    const first = call(pool, 'block_then_exit', { ms: 150 });
    await first[Symbol.asyncIterator]().next();
    const second = call(pool, 'echo', { text: 'still here' });
    expect(codeOf(await first.outcome())).to.equal('worker_crashed');
    expect(await second.outcome()).to.include({ data: '{"text":"still here"}' });
  });

  for (const waits of [true, false]) {
    const whose = waits ? 'a call beside it' : 'one that has ended';
    it(`lets a call go on when ${whose} asks for the end of the process, and replaces the thread`, async () => {
      await start({ minThreads: 1, maxThreads: 1 }, ['basic-tools', 'shared-faults']);
      const neighbour = await startAsking(pool);
      const leaver = await call(pool, 'exit_later', { waits }).outcome();
      expect(codeOf(leaver)).to.equal(waits ? 'worker_crashed' : 'success');
      await eventually(() => pool.stats().own.details.workers[0]?.state === 'retiring');
      neighbour.answer();
      expect(codeOf(await neighbour.running.outcome())).to.equal('success');
      expect(await call(pool, 'echo', { text: 'next' }).outcome()).to.include({ data: '{"text":"next"}' });
    });
  }

  it('replaces a thread that shared calls block for long, and says so to its calls', async function () {
    this.timeout(60_000);
    await start({ minThreads: 1, maxThreads: 1 });
    const blocking = call(pool, 'spin_shared');
    const end = await blocking.outcome();
    expect(codeOf(end)).to.equal('worker_crashed');
    expect(codeOf(await call(pool, 'echo', { text: 'a' }).outcome())).to.equal('success');
  });

  it('turns what a tool prints into log records with its call, and floods of them into few', async () => {
    await start();
    await call(pool, 'misbehave', { how: 'print' }, { callId: 'printer' }).outcome();
    const lines = logged.filter(({ callId }) => callId === 'printer').map(({ message }) => message);
    expect(lines).to.deep.equal(['printed with console', 'printed with stdout']);
    logged.length = 0;
    await call(pool, 'misbehave', { how: 'flood-log' }).outcome();
    expect(logged.length).to.be.within(1000, 2000);
  });

  it('replaces the thread of a call whose tool hangs after a bad chunk', async () => {
    await start({ minThreads: 1, maxThreads: 1 });
    await call(pool, 'misbehave', { how: 'bad-chunk-and-hang' }).outcome();
    await eventually(() => pool.stats().own.summary.workers.restarts === 1 && pool.health() === 'ok');
    expect(pool.stats().own.details.pool).to.include({ crashes: 0, kills: 0 });
  });

  it('gives tools no variable that was not named', async () => {
    await start({ env: { PATH: '/bin' } });
    expect(await call(pool, 'environment').outcome()).to.include({ data: '["PATH"]' });
  });

  describe('explainDeath()', () => {
    it('knows the texts and codes of Piscina and Node', () => {
      expect(explainDeath(new Error('worker exited with code: 3'), false)).to.deep.equal({
        code: 'worker_crashed',
        message: 'the thread ended in the middle of the call (exit code 3)',
      });
      const oom = Object.assign(new Error('out'), { code: 'ERR_WORKER_OUT_OF_MEMORY' });
      expect(explainDeath(oom, false).code).to.equal('worker_out_of_memory');
      expect(explainDeath(null, false).code).to.equal('worker_crashed');
      expect(explainDeath(oom, true).code).to.equal('worker_crashed');
    });
  });
});
