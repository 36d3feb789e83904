/** Answers that are kept, and runs that are shared. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ResultEvent, ToolEvent } from '../../lib/call/call-events.ts';
import type { CallRequest, RunningCall } from '../../lib/call/running-call.ts';
import { ToolError } from '../../lib/call/tool-error.ts';
import { AnswerCache } from '../../lib/dispatch/policy/answer-cache.ts';
import { canonicalText } from '../../lib/dispatch/policy/canonical-arguments.ts';
import type { AdmittedCall } from '../../lib/runners/runner.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/start-gateway.ts';
import { fixture } from '../support/start-pool.ts';
import { endOf, failure, flood, result, type Script } from '../transports/scripted-runner.ts';
import { codeOf, crash, hang, read, scriptedGateway, signal } from './scripted-gateway.ts';

const cached = { annotations: { readOnlyHint: true }, cacheSeconds: 10 };
const streamed = { streams: true };

const chunks = (index: number, ...items: string[]): ToolEvent => ({ type: 'chunks', index, items });
const progress = (value: number): ToolEvent => ({ type: 'progress', progress: value, total: 3, message: '' });

/** Three chunks in two events, one each time that it is let. */
function paced() {
  const steps = [signal(), signal(), signal()];
  const script: Script = async function* () {
    yield { type: 'started' };
    await steps[0]?.happened;
    yield progress(1);
    yield chunks(0, '0', '1');
    await steps[1]?.happened;
    yield progress(2);
    yield chunks(2, '2');
    await steps[2]?.happened;
    yield result(undefined, 3, { own: true });
  };
  return { script, step: (at: number) => steps[at]?.happen() };
}

const quick: Script = async function* ({ arguments: { how } }) {
  yield { type: 'started' };
  if (how === 'fail') yield failure(new ToolError('not_found', 'no'));
  else if (how === 'isError')
    yield { ...(result('x') as ResultEvent), shape: 'content', data: '{"content":[],"isError":true}' };
  else {
    yield progress(1);
    yield chunks(0, '0', '1');
    yield chunks(2, '2');
    yield result(undefined, 3);
  }
};

const start = (script: Script, options = {}) => scriptedGateway({ tool: script }, { tool: cached }, options);
const withoutTime = (events: readonly ToolEvent[]) =>
  events.map((event) => ('durationMs' in event ? { ...event, durationMs: 0 } : event));
const typesOf = (events: readonly ToolEvent[]) => events.map(({ type }) => type);

describe('the cache of answers', () => {
  it('answers an equal call without running the tool, chunks in order, as a call of its own', async () => {
    const gateway = start(quick);
    const first = gateway.call('tool', streamed);
    const events = await read(first);
    expect(typesOf(events)).to.deep.equal(['started', 'progress', 'chunks', 'chunks', 'result']);
    const second = gateway.call('tool', streamed);
    const replayed = await read(second);
    expect(gateway.runner.calls).to.have.length(1);
    expect(typesOf(replayed)).to.deep.equal(['started', 'chunks', 'chunks', 'result']);
    expect(replayed.slice(1, 3)).to.deep.equal(events.slice(2, 4));
    expect(replayed.at(-1)).to.include({
      data: '[0,1,2]',
      repeats: true,
      chunks: 3,
      meta: '{"cached":true}',
    });
    expect(events.at(-1)).to.include({ data: '[0,1,2]', meta: null });
    expect(second.callId).not.to.equal(first.callId);
    expect(gateway.records.map(({ callId }) => callId)).to.deep.equal([first.callId, second.callId]);
    expect(gateway.dispatcher.cacheView()).to.include({ answers: 1, hits: 1, misses: 1 });
  });

  it('answers whoever asks in their own form, whatever the form of the first', async () => {
    for (const first of [{}, streamed]) {
      const gateway = start(quick);
      await endOf(gateway.call('tool', first));
      if (first === streamed) await read(gateway.call('tool', streamed));
      const plain = (await endOf(gateway.call('tool'))) as ResultEvent;
      expect(plain).to.include({ data: '[0,1,2]', chunks: 3 });
      const none = await read(gateway.call('tool', { ...streamed, repeatBytes: 0 }));
      expect(none.at(-1)).to.include({ data: null, repeats: true });
      const small = await read(gateway.call('tool', { ...streamed, repeatBytes: 5 }));
      expect(small.at(-1)).to.include({ data: null, repeats: true });
      expect(codeOf(await endOf(gateway.call('tool', { repeatBytes: 5 })))).to.equal('result_too_large');
      expect(gateway.runner.calls).to.have.length(1);
    }
  });

  it('is each key’s own, and each tool’s, and goes by what the arguments are and not how they are written', async () => {
    const gateway = scriptedGateway({ tool: quick, other: quick }, { tool: cached, other: cached });
    const run = (name: string, args: object, keyId = 'a') => gateway.end(name, { arguments: args, keyId });
    await run('tool', { a: 1, b: [{ c: 2, d: 3 }] });
    await run('tool', { b: [{ d: 3, c: 2 }], a: 1 });
    expect(gateway.runner.calls).to.have.length(1);
    await run('tool', { a: 1, b: [{ c: 2, d: 3 }] }, 'b');
    await run('other', { a: 1, b: [{ c: 2, d: 3 }] });
    await run('tool', { a: '1', b: [{ c: 2, d: 3 }] });
    expect(gateway.runner.calls).to.have.length(4);
  });

  it('does not compare what is no JSON', async () => {
    const gateway = start(quick);
    for (const args of [{ a: new Date(0) }, { a: 1n }, { a: undefined }, { a: Number.NaN }, { a: new Map() }])
      for (let n = 0; n < 2; n++) expect(await gateway.end('tool', { arguments: args })).to.equal('success');
    expect(gateway.runner.calls).to.have.length(10);
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(canonicalText(cycle)).to.equal(null);
    expect(canonicalText([0, -0, 1e21, 'ä\ud800', null, true])).to.equal('[0,-0,1e+21,"ä\\ud800",null,true]');
    expect(canonicalText(JSON.parse('{"__proto__":1}'))).to.equal('{"__proto__":1}');
  });

  it('keeps an answer so long and no longer, and forgets all at a reload', async () => {
    const gateway = start(quick);
    await gateway.end('tool');
    gateway.pass(9999);
    await gateway.end('tool');
    expect(gateway.runner.calls).to.have.length(1);
    gateway.pass(1);
    await gateway.end('tool');
    expect(gateway.runner.calls).to.have.length(2);
    await gateway.dispatcher.reload();
    await gateway.end('tool');
    expect(gateway.runner.calls).to.have.length(3);
    expect(gateway.dispatcher.cacheView()).to.include({ answers: 1 });
  });

  it('keeps no failure, not one that a tool tells by content either', async () => {
    const gateway = start(quick);
    for (const how of ['fail', 'isError'])
      for (let n = 0; n < 2; n++) await gateway.end('tool', { arguments: { how } });
    expect(gateway.runner.calls).to.have.length(4);
    expect(gateway.dispatcher.cacheView()).to.include({ answers: 0, bytes: 0 });
  });

  it('runs a tool that is not told to keep answers each time', async () => {
    const gateway = scriptedGateway({ tool: quick }, { tool: { annotations: { readOnlyHint: true } } });
    await gateway.end('tool');
    await gateway.end('tool');
    expect(gateway.runner.calls).to.have.length(2);
    expect(gateway.dispatcher.cacheView()).to.equal(null);
  });

  it('is bounded in bytes: what was used least recently goes first, and a large answer is not kept', async () => {
    const large: Script = async function* ({ arguments: { mib = 7 } }) {
      yield { type: 'started' };
      yield result('x'.repeat(Number(mib) * 1024 ** 2));
    };
    const gateway = start(large);
    for (let n = 0; n < 6; n++) await gateway.end('tool', { arguments: { n } });
    expect(gateway.dispatcher.cacheView()?.answers).to.equal(4);
    expect(gateway.dispatcher.cacheView()?.bytes).to.be.within(1, 64 * 1024 ** 2);
    await gateway.end('tool', { arguments: { n: 2 } }); // is there, and is now the newest
    await gateway.end('tool', { arguments: { n: 6 } });
    await gateway.end('tool', { arguments: { n: 2 } });
    expect(gateway.runner.calls).to.have.length(7);
    for (let n = 0; n < 2; n++) await gateway.end('tool', { arguments: { mib: 9 } });
    expect(gateway.runner.calls).to.have.length(9);
  });

  it('shows a run nothing of its caller but the key', async () => {
    const requests: AdmittedCall[] = [];
    const cache = new AnswerCache(() => undefined);
    const inner = start(quick);
    const request: AdmittedCall = {
      callId: 'c',
      name: 'tool',
      arguments: {},
      caller: { keyId: 'a', transport: 'test' },
      streams: false,
      repeatBytes: 100,
      abilities: { roots: true },
      requestMeta: { own: 1 },
    };
    const run = (asked: CallRequest): RunningCall => {
      requests.push(asked as AdmittedCall);
      return inner.runner.call(asked as AdmittedCall);
    };
    await endOf(cache.call(request, { keepMs: 1000, timeoutMs: 1000, run }));
    expect(requests[0]).to.include({ callId: 'c', abilities: undefined, requestMeta: undefined });
  });
});

describe('equal calls at the same time', () => {
  it('run once, and each gets all chunks in order, whenever it came', async () => {
    const { script, step } = paced();
    const gateway = start(script);
    const first = gateway.call('tool', streamed);
    const second = gateway.call('tool', streamed);
    const reads = [read(first), read(second)];
    step(0);
    await eventually(() => first.hasStarted);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const third = gateway.call('tool', streamed);
    const plain = gateway.call('tool');
    reads.push(read(third));
    step(1);
    step(2);
    const all = await Promise.all(reads);
    expect(gateway.runner.calls).to.have.length(1);
    for (const events of all) {
      const items = events.flatMap((event) => (event.type === 'chunks' ? event.items : []));
      expect(items).to.deep.equal(['0', '1', '2']);
      expect(events[0]).to.deep.equal({ type: 'started' });
      expect(typesOf(events).filter((type) => type === 'started' || type === 'result')).to.have.length(2);
    }
    expect(typesOf(all[0] ?? [])).to.deep.equal([
      'started',
      'progress',
      'chunks',
      'progress',
      'chunks',
      'result',
    ]);
    expect(withoutTime(all[0] ?? []).at(-1)).to.deep.include({ data: '[0,1,2]', meta: '{"own":true}' });
    expect(withoutTime(all[1] ?? []).at(-1)).to.deep.include({ meta: '{"own":true,"cached":true}' });
    expect(await endOf(plain)).to.include({ data: '[0,1,2]', chunks: 3 });
    expect(new Set(gateway.records.map(({ callId }) => callId)).size).to.equal(4);
  });

  it('share a failure, which is not kept', async () => {
    const { happened, happen } = signal();
    const script: Script = async function* (context) {
      yield { type: 'started' };
      await happened;
      yield* crash(context);
    };
    const gateway = start(script);
    const calls = Array.from({ length: 4 }, (_, n) => gateway.call('tool', { streams: n % 2 === 0 }));
    const reads = calls.filter(({ request }) => request.streams).map(read);
    happen();
    for (const call of calls) expect(codeOf(await endOf(call))).to.equal('worker_crashed');
    await Promise.all(reads);
    expect(gateway.runner.calls).to.have.length(1);
    expect(gateway.dispatcher.policiesOf('tool')?.breaker, 'one run is one failure').to.include({
      failures: 1,
    });
  });

  it('go on when the first of them is cancelled, and end the run with the last', async () => {
    const { script, step } = paced();
    const gateway = start(script);
    const first = gateway.call('tool', streamed);
    const second = gateway.call('tool', streamed);
    const third = gateway.call('tool');
    const reads = [read(first), read(second)];
    step(0);
    await eventually(() => first.hasStarted);
    gateway.dispatcher.cancel(first.callId, 'a');
    expect(codeOf(await endOf(first))).to.equal('cancelled');
    step(1);
    step(2);
    expect(codeOf(await endOf(second))).to.equal('success');
    expect(codeOf(await endOf(third))).to.equal('success');
    await Promise.all(reads);

    const hanging = start(hang);
    const calls = [hanging.call('tool'), hanging.call('tool')];
    for (const call of calls) call.cancel('cancelled');
    const run = hanging.runner.calls[0];
    expect(run && codeOf(await endOf(run))).to.equal('cancelled');
    const next = hanging.call('tool');
    expect(hanging.runner.calls, 'nobody joins a run that was given up').to.have.length(2);
    next.cancel('cancelled');
  });

  it('have each a deadline of its own, and the run has the tool’s', async () => {
    const gateway = start(hang, { timeoutMs: 400 });
    const early = gateway.call('tool', { timeoutMs: 10 });
    const others = [gateway.call('tool'), gateway.call('tool', { timeoutMs: 60_000 })];
    expect(codeOf(await endOf(early))).to.equal('deadline_exceeded');
    expect(gateway.records).to.have.length(1);
    for (const call of others) expect(codeOf(await endOf(call))).to.equal('deadline_exceeded');
    expect(gateway.dispatcher.policiesOf('tool')?.breaker).to.include({ failures: 1 });
    expect(await gateway.end('tool', { timeoutMs: 10 })).to.equal('deadline_exceeded');
    expect(gateway.dispatcher.policiesOf('tool')?.breaker, 'the caller’s own').to.include({ failures: 1 });
  });

  it('hold the tool back to the pace of who reads, and are bounded in what they hold', async () => {
    let sent = 0;
    const counted: Script = async function* (context) {
      for await (const event of flood(context)) {
        await new Promise(setImmediate); // as frames of a thread come
        if (event.type === 'chunks') sent += event.items.length;
        yield event;
      }
    };
    const gateway = start(counted);
    const slow = gateway.call('tool', streamed);
    const reader = slow[Symbol.asyncIterator]();
    await reader.next();
    await reader.next();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(sent, 'nobody asks for more').to.be.below(64 * 4);
    const fast = gateway.call('tool', streamed);
    let taken = 0;
    for await (const event of fast) {
      if (event.type === 'chunks') taken += event.items.length;
      if (taken > 6_000) break; // not all that it could have: the slow one lies 6 MB behind
    }
    expect(sent).to.be.below(6_000 + 64 * 4);
    const another = gateway.call('tool', streamed);
    let more = 0;
    const reading = (async () => {
      for await (const event of another) if (event.type === 'chunks') more += event.items.length;
    })();
    await eventually(() => more > 7_000);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(sent, 'the slow one is as far behind as it may be').to.be.below(9_000);
    slow.cancel('slow_consumer');
    await eventually(() => more > 9_500);
    const late = gateway.call('tool', streamed);
    expect(gateway.runner.calls, 'too much has gone to join').to.have.length(2);
    late.cancel('cancelled');
    another.cancel('cancelled');
    await reading;
  });

  it('refuse others while one of them tries a tool that failed, and a kept answer tries nothing', async () => {
    const script: Script = async function* (context) {
      if (context.arguments['how'] === 'crash') return yield* crash(context);
      yield { type: 'started' };
      yield result('fine');
    };
    const gateway = start(script);
    await gateway.end('tool');
    for (let n = 0; n < 5; n++) await gateway.end('tool', { arguments: { how: 'crash' } });
    expect(await gateway.end('tool')).to.equal('unavailable');
    gateway.pass(9_999);
    expect(await gateway.end('tool')).to.equal('unavailable');
    gateway.pass(1);
    expect(await gateway.end('tool', { arguments: { how: 'crash' } })).to.equal('worker_crashed');
    expect(gateway.dispatcher.policiesOf('tool')?.breaker).to.include({ state: 'open' });
  });
});

describe('kept answers over threads', () => {
  it('come over HTTP and as streams with one run, and say that they are', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'known-'));
    const file = join(folder, 'runs');
    const gateway = await startGateway({ tools: [fixture('limited-tools')] });
    const post = async (path: string, args: object = {}) => {
      const response = await fetch(`${gateway.url}/tools/${path}`, {
        method: 'POST',
        headers: { 'x-api-key': 'super-secret', 'content-type': 'application/json' },
        body: JSON.stringify({ arguments: { file, ...args } }),
      });
      return response.text();
    };
    try {
      const slow = { n: 5, everyMs: 20 };
      const [one, two, three] = await Promise.all([
        post('known', slow),
        post('known', slow),
        post('known/stream', slow),
      ]);
      expect(readFileSync(file, 'utf8')).to.equal('x');
      const data = '[{"i":0},{"i":1},{"i":2},{"i":3},{"i":4}]';
      for (const text of [one, two, three]) expect(text).to.contain(data);
      const again = await post('known/stream', slow);
      expect(again.match(/^event: (\w+)/gm)?.map((line) => line.slice(7))).to.deep.equal([
        ...Array(5).fill('chunk'),
        'result',
        'done',
      ]);
      expect(again).to.contain('"meta":{"own":true,"cached":true}');
      expect(readFileSync(file, 'utf8')).to.equal('x');
      expect(gateway.gateway.stats()['answerCache']).to.include({ answers: 1, hits: 3, misses: 1 });
    } finally {
      await gateway.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
