/** Calls that are run again after a crash. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ErrorEvent, TerminalEvent, ToolEvent } from '../../lib/call/call-events.ts';
import type { RunningCall } from '../../lib/call/running-call.ts';
import { ToolError } from '../../lib/call/tool-error.ts';
import { RelayedCall } from '../../lib/dispatch/policy/relayed-call.ts';
import { Retries } from '../../lib/dispatch/policy/retries.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/start-gateway.ts';
import { fixture } from '../support/start-pool.ts';
import { endOf, failure, result, type Script } from '../transports/scripted-runner.ts';
import { codeOf, crash, read, scriptedGateway } from './scripted-gateway.ts';

const caller = { keyId: 'a', transport: 'test' };
const repeatable = { annotations: { idempotentHint: true } };

/** Crashes so often, after what `before` tells, and then succeeds. */
function flaky(times: number, ...before: ToolEvent[]): Script & { runs: number } {
  const script = async function* (context: Parameters<Script>[0]) {
    const run = script.runs++;
    yield { type: 'started' } as const;
    yield* before;
    if (run < times) yield* crash(context);
    else yield result({ run });
  };
  script.runs = 0;
  return script;
}

const progress: ToolEvent = { type: 'progress', progress: 1, total: 3, message: '' };
const chunks: ToolEvent = { type: 'chunks', index: 0, items: ['1'] };
const log: ToolEvent = { type: 'log', level: 'info', message: 'x' };
const ask: ToolEvent = { type: 'ask', ask: 1, method: 'roots', params: {} };

describe('retries', () => {
  it('run a call again whose thread crashed, with one id, one start, one end and one record', async () => {
    for (const streams of [false, true]) {
      const tool = flaky(2);
      const gateway = scriptedGateway({ tool }, { tool: repeatable }, { retries: 2 });
      const call = gateway.call('tool', { streams });
      if (streams) expect((await read(call)).map(({ type }) => type)).to.deep.equal(['started', 'result']);
      else expect(codeOf(await endOf(call))).to.equal('success');
      expect(gateway.runner.calls.map(({ callId }) => callId)).to.deep.equal(Array(3).fill(call.callId));
      expect(gateway.records).to.have.length(1);
      expect(gateway.records[0]).to.deep.include({ callId: call.callId, retries: 2 });
      expect(gateway.records[0]?.end.durationMs).to.be.above(50);
      expect(gateway.logs.filter((line) => line.includes('retry'))).to.have.length(2);
    }
  });

  it('are not there by default, nor for tools that do not say that they may be run twice', async () => {
    for (const [fields, retries, runs] of [
      [repeatable, 0, 1],
      [{}, 3, 1],
      [{ annotations: { readOnlyHint: true } }, 3, 2],
    ] as const) {
      const tool = flaky(1);
      const gateway = scriptedGateway({ tool }, { tool: fields }, { retries });
      expect(await gateway.end('tool')).to.equal(runs === 1 ? 'worker_crashed' : 'success');
      expect(tool.runs).to.equal(runs);
      expect(gateway.records[0]).to.have.property('end');
      if (runs === 1) expect(gateway.records[0]).not.to.have.property('retries');
    }
  });

  it('end with the crash when there were so many', async () => {
    const tool = flaky(9);
    const gateway = scriptedGateway({ tool }, { tool: repeatable }, { retries: 2 });
    expect(await gateway.end('tool')).to.equal('worker_crashed');
    expect(tool.runs).to.equal(3);
    expect(gateway.records[0]).to.include({ retries: 2 });
  });

  it('are none once the caller has seen anything but the start', async () => {
    for (const event of [progress, chunks, log, ask]) {
      const tool = flaky(1, event);
      const gateway = scriptedGateway({ tool }, { tool: repeatable }, { retries: 2 });
      const events = await read(gateway.call('tool', { streams: true }));
      expect(events.map(({ type }) => type)).to.deep.equal(['started', event.type, 'error']);
      expect(tool.runs).to.equal(1);
    }
  });

  it('are none for a heap that ran out, nor for what a tool throws', async () => {
    for (const code of ['worker_out_of_memory', 'tool_failed', 'unavailable'] as const) {
      const tool: Script = async function* () {
        yield failure(new ToolError(code, 'x'));
      };
      const gateway = scriptedGateway({ tool }, { tool: repeatable }, { retries: 2 });
      expect(await gateway.end('tool')).to.equal(code);
      expect(gateway.runner.calls).to.have.length(1);
    }
  });

  it('can be cancelled while they wait, and the tool is not run again', async () => {
    for (const reason of ['cancelled', 'unavailable'] as const) {
      const tool = flaky(9);
      const gateway = scriptedGateway({ tool }, { tool: repeatable }, { retries: 9 });
      const call = gateway.call('tool', { streams: true });
      const events = read(call);
      await eventually(() => gateway.logs.length > 0);
      call.cancel(reason);
      expect((await events).map(({ type }) => type)).to.deep.equal(['started', 'error']);
      expect(gateway.records.map(({ end }) => codeOf(end))).to.deep.equal([reason]);
      const { runs } = tool;
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(tool.runs).to.equal(runs);
      expect(gateway.dispatcher.callsInFlight).to.equal(0);
    }
  });

  it('keep to the deadline: what could not begin before it is none, and what runs is ended by it', async () => {
    const tool = flaky(9);
    const gateway = scriptedGateway({ tool }, { tool: repeatable }, { retries: 9 });
    expect(await gateway.end('tool', { timeoutMs: 40 })).to.equal('worker_crashed');
    expect(tool.runs).to.equal(1);
    let runs = 0;
    const hangs: Script = async function* (context) {
      yield { type: 'started' };
      if (runs++ === 0) yield* crash(context);
      await new Promise(() => undefined);
    };
    const other = scriptedGateway({ hangs }, { hangs: repeatable }, { retries: 9 });
    expect(await other.end('hangs', { timeoutMs: 400 })).to.equal('deadline_exceeded');
    expect(other.records).to.have.length(1);
  });

  it('count for the breaker each, and stop where it opens', async () => {
    const tool = flaky(99);
    const gateway = scriptedGateway({ tool }, { tool: repeatable }, { retries: 9 });
    expect(await gateway.end('tool')).to.equal('worker_crashed');
    expect(tool.runs).to.equal(5);
    expect(await gateway.end('tool')).to.equal('unavailable');
    gateway.pass(10_000);
    expect(await gateway.end('tool')).to.equal('worker_crashed');
    expect(tool.runs, 'what tries the tool again is not tried again').to.equal(6);
  });

  it('drop what of the first run is still on its way to its reader', async () => {
    const request = { callId: 'c', name: 'tool', arguments: {}, caller, streams: true, repeatBytes: 0 };
    const died = failure(new ToolError('worker_crashed', 'x')) as ErrorEvent;
    const chunk = (text: string): ToolEvent => ({ type: 'chunks', index: 0, items: [text] });
    /** Hands its event out, and ends before whoever asked has it. */
    const run = (event: ToolEvent, end: TerminalEvent): RunningCall => {
      const listeners: ((end: TerminalEvent) => void)[] = [];
      const events = [event, end];
      return {
        callId: 'c',
        request,
        hasStarted: true,
        cancel: () => undefined,
        answer: () => undefined,
        onEnd: (listener) => listeners.push(listener),
        outcome: async () => end,
        [Symbol.asyncIterator]: () => ({
          next() {
            for (const listener of listeners.splice(0)) listener(end);
            return Promise.resolve({ done: false, value: events.shift() as ToolEvent });
          },
        }),
      };
    };
    const second = run(chunk('"second"'), result(undefined, 1) as TerminalEvent);
    const call = new RelayedCall(request, { afterMs: () => 1, run: () => second }, () => undefined);
    call.start(run(chunk('"first"'), died));
    const events = await read(call);
    expect(events.map((event) => (event.type === 'chunks' ? event.items[0] : event.type))).to.deep.equal([
      '"second"',
      'result',
    ]);
  });

  it('are at most a tenth of the calls of the last ten seconds, or five', () => {
    let now = 0;
    const retries = new Retries(3, () => now);
    const taken = (times: number) =>
      Array.from({ length: times }, () => retries.take(0, 60_000)).filter((wait) => wait !== null).length;
    expect(taken(20)).to.equal(5);
    for (let n = 0; n < 200; n++) retries.called();
    expect(taken(50)).to.equal(15);
    now = 9_000;
    expect(taken(5)).to.equal(0);
    now = 10_500;
    expect(taken(20)).to.equal(5);
    expect(retries.take(3, 60_000), 'more than one call may have').to.equal(null);
  });

  it('wait longer each time, and not all equally long', () => {
    const waits = (retry: number) =>
      Array.from({ length: 5 }, () => new Retries(9, () => 0).take(retry, 60_000) ?? 0);
    for (const wait of waits(0)) expect(wait).to.be.within(50, 100);
    for (const wait of waits(2)) expect(wait).to.be.within(200, 400);
    for (const wait of waits(8)) expect(wait).to.be.within(1000, 2000);
    expect(new Set(waits(8)).size).to.be.above(1);
  });
});

describe('retries over threads', () => {
  it('answer a call whose first thread died, over HTTP and as a stream', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'retries-'));
    const gateway = await startGateway({ retries: 2, tools: [fixture('limited-tools')] });
    try {
      for (const path of ['flaky', 'flaky/stream']) {
        const file = join(folder, path.replace('/', '-'));
        const response = await fetch(`${gateway.url}/tools/${path}`, {
          method: 'POST',
          headers: { 'x-api-key': 'super-secret', 'content-type': 'application/json' },
          body: JSON.stringify({ arguments: { file, crashes: 1 } }),
        });
        const text = await response.text();
        expect(response.status, text).to.equal(200);
        expect(text).to.contain('"run":1');
        expect(readFileSync(file, 'utf8')).to.equal('xx');
      }
    } finally {
      await gateway.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
