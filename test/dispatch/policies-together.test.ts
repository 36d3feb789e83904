/** All policies at once, on calls made at random: whatever happens to a call, it is one call with one end. */
import { expect } from 'chai';
import type { ToolEvent } from '../../lib/call/call-events.ts';
import { ToolError } from '../../lib/call/tool-error.ts';
import { eventually } from '../support/eventually.ts';
import { endOf, failure, result, type Script } from '../transports/scripted-runner.ts';
import { scriptedGateway } from './scripted-gateway.ts';

/** Numbers from 0 to below 1, the same for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const script: Script = async function* (context) {
  const { how, chunks = 0, ms = 0 } = context.arguments as { how?: string; chunks?: number; ms?: number };
  yield { type: 'started' };
  for (let index = 0; index < chunks; index++) {
    if (ms > 0) await pause(ms);
    yield { type: 'progress', progress: index + 1, total: null, message: '' };
    yield { type: 'chunks', index, items: [`"${'x'.repeat(100)}"`] };
  }
  if (ms > 0) await pause(ms);
  if (how === 'crash') yield failure(new ToolError('worker_crashed', 'died'), chunks);
  else if (how === 'throw') yield failure(new ToolError('tool_failed', 'no'), chunks);
  else if (how === 'hang') await new Promise(() => undefined);
  else yield result(undefined, chunks);
};

/** What is wrong with the events of a call. */
function faults(events: readonly ToolEvent[]): string[] {
  const types = events.map(({ type }) => type);
  const ends = types.filter((type) => type === 'result' || type === 'error');
  const items = events.flatMap((event) => (event.type === 'chunks' ? [event.index] : []));
  const last = events.at(-1);
  return [
    ...(ends.length === 1 && ends[0] === last?.type ? [] : ['not one end, last']),
    ...(types.lastIndexOf('started') > 0 ? ['started is not first'] : []),
    ...(items.every((index, at) => index === at) ? [] : ['chunks out of order']),
    ...(last?.type === 'result' && last.chunks !== items.length ? ['chunks are lost'] : []),
  ];
}

describe('all policies together', () => {
  it('lose no call and end each exactly once', async () => {
    const repeatable = { annotations: { readOnlyHint: true } };
    const names = ['plain', 'narrow', 'known', 'all'] as const;
    const gateway = scriptedGateway(
      Object.fromEntries(names.map((name) => [name, script])),
      {
        plain: {},
        narrow: { concurrency: 2, ...repeatable },
        known: { cacheSeconds: 0.05, ...repeatable },
        all: { concurrency: 3, cacheSeconds: 0.05, rate: 400, timeoutMs: 40, ...repeatable },
      },
      {
        retries: 2,
        timeoutMs: 60,
        queueLimit: 20,
        queueWaitMs: 40,
        breaker: { failures: 5, windowMs: 50, openMs: 10 },
      },
    );
    const next = random(11);
    const pick = <T>(...of: readonly T[]): T => of[Math.floor(next() * of.length)] as T;
    const wrong: string[] = [];
    const codes = new Map<string, number>();
    const one = async () => {
      const streams = next() < 0.6;
      const name = pick(...names);
      const how = pick('crash', 'throw', 'hang', undefined, undefined, undefined);
      const args = { how, chunks: pick(0, 1, 4), ms: pick(0, 0, 1, 5), n: pick(1, 2, 3) };
      const timeoutMs = pick(undefined, undefined, 5, 1000);
      const call = gateway.call(name, { streams, keyId: pick('a', 'b'), arguments: args, timeoutMs });
      let ends = 0;
      call.onEnd(() => {
        ends++;
      });
      if (next() < 0.1)
        void pause(pick(0, 1, 10)).then(() => call.cancel(pick('cancelled', 'slow_consumer')));
      if (streams) {
        const events: ToolEvent[] = [];
        for await (const event of call) {
          events.push(event);
          if (next() < 0.02) break;
        }
        const isWhole = events.at(-1)?.type === 'result' || events.at(-1)?.type === 'error';
        if (isWhole)
          wrong.push(...faults(events).map((fault) => `${name} ${JSON.stringify(args)}: ${fault}`));
      }
      const end = await endOf(call);
      await pause(0);
      if (ends !== 1) wrong.push(`${name}: ${ends} ends`);
      const code = end.type === 'error' ? end.error.code : 'success';
      codes.set(code, (codes.get(code) ?? 0) + 1);
    };
    const worker = async () => {
      for (let n = 0; n < 60; n++) {
        await one();
        gateway.pass(2);
        if (next() < 0.01) await gateway.dispatcher.reload();
      }
    };
    const expected = [
      'success',
      'worker_crashed',
      'tool_failed',
      'unavailable',
      'overloaded',
      'deadline_exceeded',
    ];
    // What comes up depends on how the machine mixes them: a busy one may need more of them.
    let made = 0;
    while (made === 0 || (made < 20 * 24 * 60 && !expected.every((code) => codes.has(code)))) {
      await Promise.all(Array.from({ length: 24 }, worker));
      made += 24 * 60;
    }
    expect(wrong).to.deep.equal([]);
    expect(gateway.records).to.have.length(made);
    expect(new Set(gateway.records.map(({ callId }) => callId)).size).to.equal(made);
    expect([...codes.keys()], 'what came up').to.include.members(expected);
    expect(gateway.dispatcher.callsInFlight).to.equal(0);
    for (const name of ['narrow', 'all'])
      await eventually(() => {
        const { running, waiting } = gateway.dispatcher.policiesOf(name)?.concurrency ?? {};
        return running === 0 && waiting === 0;
      });
    for (const run of gateway.runner.calls) await endOf(run);
  });
});
