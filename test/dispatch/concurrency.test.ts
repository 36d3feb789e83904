/** How many calls of one tool run at once. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ErrorEvent } from '../../lib/call/call-events.ts';
import { Dispatcher } from '../../lib/dispatch/dispatcher.ts';
import { ToolPolicies } from '../../lib/dispatch/policy/tool-policies.ts';
import { eventually } from '../support/eventually.ts';
import { memoryHistory } from '../support/memory-history.ts';
import { startPool } from '../support/start-pool.ts';
import { endOf, result, type Script } from '../transports/scripted-runner.ts';
import { codeOf, crash, read, scriptedGateway, signal } from './scripted-gateway.ts';

/** Calls that end when they are told to, in the order in which they run. */
function stops() {
  const running: { readonly keyId: unknown; readonly end: () => void }[] = [];
  const tool: Script = async function* ({ arguments: { keyId } }) {
    const { happened, happen } = signal();
    running.push({ keyId, end: happen });
    yield { type: 'started' };
    await happened;
    yield result('ended');
  };
  return { tool, running };
}

const start = (limit: number, options = {}) => {
  const { tool, running } = stops();
  const fields = { tool: { concurrency: limit } };
  const gateway = scriptedGateway({ tool, other: tool }, fields, options);
  const call = (keyId = 'a', more = {}) => gateway.call('tool', { keyId, arguments: { keyId }, ...more });
  return { gateway, running, call };
};

describe('the concurrency of a tool', () => {
  it('lets so many run at once over all keys; the others wait and run in turn', async () => {
    const { gateway, running, call } = start(2);
    const calls = ['a', 'b', 'a', 'b', 'c'].map((keyId) => call(keyId));
    expect(running).to.have.length(2);
    expect(gateway.dispatcher.policiesOf('tool')?.concurrency).to.deep.equal({
      limit: 2,
      running: 2,
      waiting: 3,
    });
    for (let n = 0; n < 5; n++) {
      await eventually(() => running.length === Math.min(5, n + 2));
      running[n]?.end();
      await eventually(() => gateway.records.length === n + 1);
    }
    for (const one of calls) expect(codeOf(await endOf(one))).to.equal('success');
    expect(gateway.dispatcher.policiesOf('tool')?.concurrency).to.deep.equal({
      limit: 2,
      running: 0,
      waiting: 0,
    });
  });

  it('serves the key that holds the fewest places first', async () => {
    const { running, call } = start(1);
    const calls = ['a', 'a', 'a', 'a', 'b'].map((keyId) => call(keyId));
    for (let n = 0; n < 5; n++) {
      await eventually(() => running.length === n + 1);
      running[n]?.end();
    }
    await Promise.all(calls.map(endOf));
    expect(running.map(({ keyId }) => keyId).indexOf('b')).to.be.below(3);
  });

  it('does not hold up other tools', async () => {
    const { gateway, running, call } = start(1);
    const calls = [call(), call(), gateway.call('other')];
    expect(running).to.have.length(2);
    for (const one of calls) one.cancel('cancelled');
    await Promise.all(calls.map(endOf));
  });

  it('refuses what is too much for QUEUE_LIMIT, or waits longer than QUEUE_WAIT, as overloaded', async () => {
    const { running, call } = start(1, { queueLimit: 1, queueWaitMs: 50 });
    const first = call();
    const second = call();
    const third = (await endOf(call())) as ErrorEvent;
    expect(third.error).to.include({ code: 'overloaded', status: 503 });
    expect(third.error.message).to.match(/"tool" runs 1 at a time \(concurrency\).*QUEUE_LIMIT/);
    expect(third.error.retryAfterMs).to.be.within(1000, 30_000);
    const late = (await endOf(second)) as ErrorEvent;
    expect(late.error.code).to.equal('overloaded');
    expect(late.error.message).to.contain('QUEUE_WAIT');
    running[0]?.end();
    expect(codeOf(await endOf(first))).to.equal('success');
    expect(running).to.have.length(1);
  });

  it('ends a call that waits when it is cancelled or its time is over, and never runs it', async () => {
    const { gateway, running, call } = start(1);
    const first = call();
    const cancelled = call('a', { streams: true });
    const late = call('a', { timeoutMs: 20 });
    const events = read(cancelled);
    gateway.dispatcher.cancel(cancelled.callId, 'a');
    expect((await events).map((event) => event.type)).to.deep.equal(['error']);
    expect(codeOf(await endOf(late))).to.equal('deadline_exceeded');
    expect(cancelled.hasStarted).to.equal(false);
    running[0]?.end();
    await endOf(first);
    expect(running).to.have.length(1);
    expect(gateway.records.map(({ end }) => codeOf(end))).to.deep.equal([
      'cancelled',
      'deadline_exceeded',
      'success',
    ]);
  });

  it('streams a call that waited like any other', async () => {
    const { running, call } = start(1);
    const first = call();
    const events = read(call('a', { streams: true }));
    running[0]?.end();
    await endOf(first);
    await eventually(() => running.length === 2);
    running[1]?.end();
    expect((await events).map(({ type }) => type)).to.deep.equal(['started', 'result']);
  });

  it('keeps its count over a reload', async () => {
    const { gateway, running, call } = start(1);
    const calls = [call(), call()];
    await gateway.dispatcher.reload();
    calls.push(call());
    expect(running).to.have.length(1);
    for (let n = 0; n < 3; n++) {
      await eventually(() => running.length === n + 1);
      running[n]?.end();
    }
    await Promise.all(calls.map(endOf));
  });

  it('holds the place of a call that is retried, and gives it back after its last run', async () => {
    let runs = 0;
    const tool: Script = async function* (context) {
      yield { type: 'started' };
      if (runs++ % 2 === 0) yield* crash(context);
      else yield result('ended');
    };
    const fields = { tool: { concurrency: 1, annotations: { idempotentHint: true } } };
    const gateway = scriptedGateway({ tool }, fields, { retries: 1 });
    const calls = [gateway.call('tool'), gateway.call('tool')];
    for (const call of calls) expect(codeOf(await endOf(call))).to.equal('success');
    expect(gateway.runner.calls.map(({ callId }) => callId)).to.deep.equal(
      calls.flatMap(({ callId }) => [callId, callId]),
    );
    expect(gateway.dispatcher.policiesOf('tool')?.concurrency).to.deep.include({ running: 0, waiting: 0 });
  });

  it('takes calls that end as they begin without going deep', async () => {
    const { gateway, running, call } = start(1, { queueLimit: 5000 });
    const calls = Array.from({ length: 5000 }, () => call());
    gateway.runner.call = ({ name }) => {
      throw new Error(`no run of ${name}`); // which the dispatcher answers at once
    };
    running[0]?.end();
    await Promise.all(calls.map(endOf));
    expect(gateway.records).to.have.length(5000);
  });
});

describe('the concurrency of a tool over threads', () => {
  it('counts a cancelled call for as long as its tool runs', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'narrow-'));
    const file = join(folder, 'marks');
    const pool = await startPool({ minThreads: 2, cancelGraceMs: 20_000 }, ['limited-tools']);
    const toolPolicies = new ToolPolicies({
      breaker: null,
      retries: 0,
      limitsFile: null,
      queueLimit: 64,
      queueWaitMs: 10_000,
    });
    const dispatcher = new Dispatcher({
      runners: [pool],
      timeoutMs: 60_000,
      history: memoryHistory(),
      toolPolicies,
    });
    const call = (args: object) =>
      dispatcher.call({
        name: 'narrow',
        arguments: { file, ms: 100, ...args },
        caller: { keyId: 'a', transport: 'test' },
        streams: false,
        repeatBytes: 1000,
      });
    const marks = () => {
      try {
        return readFileSync(file, 'utf8');
      } catch {
        return '';
      }
    };
    try {
      // So long that both are seen running.
      const deaf = [call({ isDeaf: true, ms: 1500 }), call({ isDeaf: true, ms: 1500 })];
      await eventually(() => marks().startsWith('++'));
      for (const one of deaf) one.cancel('cancelled');
      const next = [call({}), call({}), call({})];
      for (const one of next) expect(codeOf(await endOf(one))).to.equal('success');
      let running = 0;
      for (const mark of marks()) {
        running += mark === '+' ? 1 : -1;
        expect(running).to.be.within(0, 2);
      }
      expect(marks()).to.have.length(10);
    } finally {
      await dispatcher.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
