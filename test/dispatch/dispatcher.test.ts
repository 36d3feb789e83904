import { expect } from 'chai';
import { Dispatcher } from '../../lib/dispatch/dispatcher.ts';
import type { CallRecord } from '../../lib/dispatch/observers.ts';
import type { WorkerPool } from '../../lib/runners/threads/worker-pool.ts';
import { eventually } from '../support/eventually.ts';
import { memoryHistory } from '../support/memory-history.ts';
import { startPool } from '../support/start-pool.ts';

describe('Dispatcher', () => {
  let pool: WorkerPool;
  let dispatcher: Dispatcher;
  const records: CallRecord[] = [];
  const request = (name: string, args: object = {}, keyId = 'a') => ({
    name,
    arguments: args,
    caller: { keyId, transport: 'http' as const },
    streams: false,
    repeatBytes: 1000,
  });
  const codeOf = async (call: ReturnType<Dispatcher['call']>) => {
    const end = await call.outcome();
    return end.type === 'error' ? end.error.code : 'success';
  };

  beforeEach(async () => {
    pool = await startPool();
    dispatcher = new Dispatcher({ runners: [pool], timeoutMs: 60_000, history: memoryHistory() });
    records.length = 0;
    dispatcher.observe({ ended: (record) => records.push(record) });
  });
  afterEach(() => pool.close());

  it('refuses a tool that is not there, names of built-in properties included', async () => {
    for (const name of ['nope', '__proto__', 'constructor', '']) {
      expect(await codeOf(dispatcher.call(request(name)))).to.equal('tool_not_found');
    }
  });

  it('gives every call one record and an id of its own', async () => {
    const calls = [
      request('echo', { text: 'a' }),
      request('nope'),
      request('misbehave', { how: 'exit' }),
    ].map((asked) => dispatcher.call(asked));
    await Promise.all(calls.map((call) => call.outcome()));
    await eventually(() => records.length === 3);
    expect(new Set(records.map(({ callId }) => callId)).size).to.equal(3);
    expect(records.map(({ end }) => end.type).sort()).to.deep.equal(['error', 'error', 'result']);
    expect(dispatcher.callsInFlight).to.equal(0);
  });

  it('ends a call at the smallest of its own, its tool’s and the gateway’s time limit', async () => {
    expect(await codeOf(dispatcher.call({ ...request('wait', { ms: 60_000 }), timeoutMs: 50 }))).to.equal(
      'deadline_exceeded',
    );
    const strict = new Dispatcher({ runners: [pool], timeoutMs: 50, history: memoryHistory() });
    expect(await codeOf(strict.call({ ...request('wait', { ms: 60_000 }), timeoutMs: 40_000 }))).to.equal(
      'deadline_exceeded',
    );
    expect(await codeOf(dispatcher.call(request('short_limit')))).to.equal('deadline_exceeded');
  });

  it('counts the wait in the queue into the time limit', async () => {
    const busy = Array.from({ length: 3 }, () => dispatcher.call(request('wait_alone', { ms: 60_000 })));
    const late = dispatcher.call({ ...request('wait_alone', { ms: 1 }), timeoutMs: 100 });
    expect(await codeOf(late)).to.equal('deadline_exceeded');
    for (const call of busy) call.cancel('cancelled');
  });

  it('lets a key cancel its own calls and nobody else’s', async () => {
    const call = dispatcher.call(request('wait', { ms: 60_000 }, 'a'));
    expect(dispatcher.cancel(call.callId, 'b')).to.equal(false);
    expect(dispatcher.cancel('unknown', 'a')).to.equal(false);
    expect(dispatcher.cancel(call.callId, 'a')).to.equal(true);
    expect(await codeOf(call)).to.equal('cancelled');
    await eventually(() => !dispatcher.cancel(call.callId, 'a'));
  });

  it('drains: refuses new calls and lets running ones finish', async () => {
    const quick = dispatcher.call(request('wait', { ms: 100 }));
    const drained = dispatcher.drain(40_000);
    expect(await codeOf(dispatcher.call(request('echo', { text: 'a' })))).to.equal('unavailable');
    expect(await codeOf(quick)).to.equal('success');
    await drained;
    expect(dispatcher.callsInFlight).to.equal(0);
  });

  it('drains: ends calls that take too long', async () => {
    const slow = dispatcher.call(request('wait', { ms: 60_000 }));
    const drained = dispatcher.drain(200);
    expect(await codeOf(slow)).to.equal('unavailable');
    await drained;
    expect(dispatcher.callsInFlight).to.equal(0);
  });
});
