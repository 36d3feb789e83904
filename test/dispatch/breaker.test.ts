/** The circuit breaker of a tool, on scripts and a clock of the test's own; and over threads that die. */
import { expect } from 'chai';
import type { ErrorEvent } from '../../lib/call/call-events.ts';
import { ToolError } from '../../lib/call/tool-error.ts';
import { startGateway } from '../support/start-gateway.ts';
import { endOf, failure, result, type Script } from '../transports/scripted-runner.ts';
import { crash, hang, type ScriptedGateway, scriptedGateway, signal } from './scripted-gateway.ts';

/** Does what its arguments say. */
const tool: Script = async function* (context) {
  const { how } = context.arguments;
  if (how === 'crash') yield* crash(context);
  else if (how === 'hang') yield* hang(context);
  else if (how === undefined) {
    yield { type: 'started' };
    yield result('fine');
  } else {
    if (how !== 'invalid_arguments') yield { type: 'started' };
    yield failure(new ToolError(how as 'tool_failed', 'as asked'));
  }
};

const crashing = { arguments: { how: 'crash' } };

describe('the circuit breaker of a tool', () => {
  const start = (options: Parameters<typeof scriptedGateway>[2] = {}) =>
    scriptedGateway({ tool, other: tool }, {}, options);

  async function fail(gateway: ScriptedGateway, times: number, keyId = 'a', how = 'crash'): Promise<void> {
    for (let n = 0; n < times; n++) {
      const code = await gateway.end('tool', { arguments: { how }, keyId });
      expect(code).to.equal(how === 'crash' ? 'worker_crashed' : how);
    }
  }

  it('opens for the key whose calls failed so often, and for no other key nor tool', async () => {
    const gateway = start();
    await fail(gateway, 4);
    expect(await gateway.end('tool')).to.equal('success');
    await fail(gateway, 1);
    expect(await gateway.end('tool')).to.equal('unavailable');
    expect(await gateway.end('tool', { keyId: 'b' })).to.equal('success');
    expect(await gateway.end('other')).to.equal('success');
  });

  it('opens for everybody where the failures are those of two keys', async () => {
    const gateway = start();
    await fail(gateway, 3);
    await fail(gateway, 2, 'b');
    for (const keyId of ['a', 'b', 'c']) expect(await gateway.end('tool', { keyId })).to.equal('unavailable');
  });

  it('counts what the window holds alone', async () => {
    const gateway = start();
    for (let n = 0; n < 4; n++) {
      await fail(gateway, 2);
      gateway.pass(6000);
    }
    expect(await gateway.end('tool')).to.equal('success');
    await fail(gateway, 3);
    expect(await gateway.end('tool')).to.equal('unavailable');
  });

  it('counts a heap that ran out like a crash, and nothing that a tool throws or a caller does', async () => {
    const gateway = start();
    for (const how of [
      'tool_failed',
      'not_found',
      'unavailable',
      'invalid_arguments',
      'overloaded',
      'internal',
    ])
      await fail(gateway, 6, 'a', how);
    expect(await gateway.end('tool')).to.equal('success');
    await fail(gateway, 5, 'a', 'worker_out_of_memory');
    expect(await gateway.end('tool')).to.equal('unavailable');
  });

  it('counts the limit of the tool and of the gateway, and neither a caller’s nor a cancel', async () => {
    const gateway = start({ timeoutMs: 30 });
    const hanging = { arguments: { how: 'hang' }, streams: false };
    for (let n = 0; n < 6; n++)
      expect(await gateway.end('tool', { ...hanging, timeoutMs: 5 })).to.equal('deadline_exceeded');
    for (let n = 0; n < 6; n++) {
      const call = gateway.call('tool', hanging);
      call.cancel('cancelled');
      await endOf(call);
    }
    expect(await gateway.end('tool')).to.equal('success');
    // One that asks for more than it may have gets the gateway's limit, and that is what strikes.
    for (let n = 0; n < 5; n++)
      expect(await gateway.end('tool', { ...hanging, timeoutMs: n * 50 || 30 })).to.equal(
        'deadline_exceeded',
      );
    expect(await gateway.end('tool')).to.equal('unavailable');
  });

  it('does not count a call that did not run before its limit', async () => {
    const waits: Script = async function* () {
      await new Promise(() => undefined);
    };
    const gateway = scriptedGateway({ waits }, {}, { timeoutMs: 5 });
    for (let n = 0; n < 7; n++) expect(await gateway.end('waits')).to.equal('deadline_exceeded');
  });

  it('tells the refused which tool and when, and is right about it', async () => {
    const gateway = start();
    await fail(gateway, 5);
    gateway.pass(2500);
    const { error } = (await endOf(gateway.call('tool'))) as ErrorEvent;
    expect(error).to.include({ code: 'unavailable', status: 503, retryable: true, retryAfterMs: 7500 });
    expect(error.message).to.match(/"tool" is open for your key.*call again in 7\.5 s, at 20..-..-..T/);
    gateway.pass(7499);
    expect(await gateway.end('tool')).to.equal('unavailable');
    gateway.pass(1);
    expect(await gateway.end('tool')).to.equal('success');
  });

  it('lets exactly one call try it again, and closes when that one succeeds', async () => {
    const { happened, happen } = signal();
    const slow: Script = async function* (context) {
      if (context.arguments['how'] === 'crash') return yield* crash(context);
      yield { type: 'started' };
      await happened;
      yield result('fine');
    };
    const gateway = scriptedGateway({ tool: slow });
    await fail(gateway, 5);
    gateway.pass(10_000);
    const probe = gateway.call('tool');
    expect(gateway.dispatcher.health()).to.equal('degraded');
    for (let n = 0; n < 3; n++) {
      const { error } = (await endOf(gateway.call('tool'))) as ErrorEvent;
      expect(error).to.include({ code: 'unavailable', retryAfterMs: 1000 });
      expect(error.message).to.contain('half-open');
    }
    happen();
    expect((await endOf(probe)).type).to.equal('result');
    expect(await gateway.end('tool')).to.equal('success');
    expect(gateway.dispatcher.health()).to.equal('ok');
    await fail(gateway, 4);
    expect(await gateway.end('tool')).to.equal('success');
  });

  it('opens anew when the one that tries it fails, at once', async () => {
    const gateway = start();
    await fail(gateway, 5);
    gateway.pass(10_000);
    await fail(gateway, 1);
    expect(await gateway.end('tool')).to.equal('unavailable');
    gateway.pass(9999);
    expect(await gateway.end('tool')).to.equal('unavailable');
    gateway.pass(1);
    expect(await gateway.end('tool')).to.equal('success');
  });

  it('closes when the one that tries it fails by what its tool throws', async () => {
    const gateway = start();
    await fail(gateway, 5);
    gateway.pass(10_000);
    await fail(gateway, 1, 'a', 'tool_failed');
    expect(await gateway.end('tool')).to.equal('success');
  });

  it('lets the next call try where the one that did was cancelled, or did not run', async () => {
    const gateway = start();
    await fail(gateway, 5);
    gateway.pass(10_000);
    const probe = gateway.call('tool', { arguments: { how: 'hang' } });
    expect(await gateway.end('tool')).to.equal('unavailable');
    probe.cancel('cancelled');
    await endOf(probe);
    await fail(gateway, 1, 'a', 'invalid_arguments');
    await fail(gateway, 1, 'a', 'overloaded');
    expect(await gateway.end('tool', { arguments: { how: 'hang' }, timeoutMs: 5 })).to.equal(
      'deadline_exceeded',
    );
    await fail(gateway, 1);
    expect(await gateway.end('tool')).to.equal('unavailable');
  });

  it('lets one key try what is open for all', async () => {
    const gateway = start();
    await fail(gateway, 3);
    await fail(gateway, 2, 'b');
    gateway.pass(10_000);
    const probe = gateway.call('tool', { arguments: { how: 'hang' }, keyId: 'c' });
    expect(await gateway.end('tool', { keyId: 'a' })).to.equal('unavailable');
    probe.cancel('cancelled');
    await endOf(probe);
    expect(await gateway.end('tool', { keyId: 'b' })).to.equal('success');
    expect(await gateway.end('tool', { keyId: 'a' })).to.equal('success');
  });

  it('hears nothing new from calls that began before it opened', async () => {
    const { happened, happen } = signal();
    const late: Script = async function* (context) {
      if (context.arguments['late']) await happened;
      yield* crash(context);
    };
    const gateway = scriptedGateway({ tool: late });
    const running = Array.from({ length: 3 }, () => gateway.call('tool', { arguments: { late: true } }));
    await fail(gateway, 5);
    gateway.pass(9000);
    happen();
    await Promise.all(running.map(endOf));
    gateway.pass(1000);
    await fail(gateway, 1); // it is the probe
  });

  it('begins anew with a reload, and what still runs of the old tool counts for nothing', async () => {
    const { happened, happen } = signal();
    const late: Script = async function* (context) {
      if (context.arguments['late']) await happened;
      yield* crash(context);
    };
    const gateway = scriptedGateway({ tool: late });
    const running = Array.from({ length: 9 }, () => gateway.call('tool', { arguments: { late: true } }));
    await fail(gateway, 5);
    expect(await gateway.end('tool', crashing)).to.equal('unavailable');
    await gateway.dispatcher.reload();
    expect(gateway.dispatcher.health()).to.equal('ok');
    happen();
    await Promise.all(running.map(endOf));
    await fail(gateway, 5);
    expect(await gateway.end('tool', crashing)).to.equal('unavailable');
  });

  it('shows what it is, and logs a line for each change', async () => {
    const gateway = start();
    const shown = () => gateway.dispatcher.policiesOf('tool')?.breaker;
    expect(shown()).to.include({ state: 'closed', failures: 0 });
    await fail(gateway, 5);
    expect(shown()).to.deep.include({ state: 'open', failures: 5, keys: { a: 'open' } });
    expect(new Date(shown()?.since ?? '').getTime()).to.be.closeTo(Date.now(), 60_000);
    expect(gateway.dispatcher).to.include({ openBreakers: 1 });
    expect(gateway.dispatcher.health()).to.equal('degraded');
    gateway.pass(10_000);
    expect(shown()).to.include({ state: 'half-open' });
    expect(gateway.dispatcher.health()).to.equal('ok');
    await fail(gateway, 1);
    gateway.pass(10_000);
    await gateway.end('tool');
    expect(shown()).to.include({ state: 'closed', failures: 0 }).and.not.to.have.property('keys');
    const states = gateway.logs.map((line) => /"tool" is ([\w-]+)/.exec(line)?.[1]);
    expect(states).to.deep.equal(['open', 'half-open', 'open', 'half-open', 'closed']);
  });

  it('is not there when it is switched off', async () => {
    const gateway = start({ breaker: null });
    await fail(gateway, 20);
    expect(gateway.dispatcher.policiesOf('tool')).to.deep.equal({});
    expect(gateway.dispatcher.health()).to.equal('ok');
  });

  it('keeps no more than its keys and their failures of late', async () => {
    const gateway = start({ breaker: { failures: 5, windowMs: 10, openMs: 10 } });
    for (let n = 0; n < 50; n++) {
      await fail(gateway, 1, `key-${n}`);
      gateway.pass(11);
    }
    expect(gateway.dispatcher.policiesOf('tool')?.breaker).to.include({ failures: 0, state: 'closed' });
  });
});

describe('the circuit breaker over threads', () => {
  it('refuses with 503 and Retry-After what keeps killing its threads, and says so in /health and /stats', async () => {
    const gateway = await startGateway({
      breakerFailures: 2,
      breakerWindowMs: 60_000,
      breakerOpenMs: 60_000,
    });
    const post = (how: string) =>
      fetch(`${gateway.url}/tools/misbehave`, {
        method: 'POST',
        headers: { 'x-api-key': 'super-secret', 'content-type': 'application/json' },
        body: JSON.stringify({ arguments: { how } }),
      });
    try {
      expect((await post('throw-error')).status).to.equal(500);
      for (let n = 0; n < 2; n++) expect((await post('exit')).status).to.equal(502);
      const refused = await post('exit');
      expect(refused.status).to.equal(503);
      expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 60);
      const problem = (await refused.json()) as { detail: string; retryAfterMs: number };
      expect(problem.detail).to.contain('"misbehave"');
      expect(problem.retryAfterMs).to.be.within(1, 60_000);
      const health = (await (await fetch(`${gateway.url}/health`)).json()) as object;
      expect(health).to.include({ openBreakers: 1 });
      expect(gateway.gateway.stats().tools['misbehave']?.breaker).to.include({ state: 'open', failures: 2 });
    } finally {
      await gateway.close();
    }
  });
});
