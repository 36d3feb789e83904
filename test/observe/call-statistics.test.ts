/** Counting calls. */
import { expect } from 'chai';
import type { TerminalEvent } from '../../lib/call/call-events.ts';
import type { ErrorCode } from '../../lib/call/error-code.ts';
import { ToolError } from '../../lib/call/tool-error.ts';
import { CallStatistics } from '../../lib/observe/call-statistics.ts';

function ended(
  name: string,
  { code, chunks = 0, durationMs = 10 }: { code?: ErrorCode; chunks?: number; durationMs?: number },
) {
  const end: TerminalEvent =
    code === undefined
      ? { type: 'result', data: null, repeats: true, shape: 'other', chunks, meta: null, durationMs }
      : { type: 'error', error: new ToolError(code, 'no'), chunks, durationMs };
  return {
    callId: 'c',
    kind: 'tool' as const,
    name,
    caller: { keyId: 'k', transport: 'http' as const },
    end,
  };
}

describe('CallStatistics', () => {
  const call = { name: 'echo', kind: 'tool' as const };

  it('counts calls, errors by code, chunks and what is in flight', () => {
    const statistics = new CallStatistics((name) => name === 'echo');
    for (let n = 0; n < 4; n += 1) statistics.started(call);
    statistics.ended(ended('echo', { chunks: 5 }));
    statistics.ended(ended('echo', { code: 'tool_failed', chunks: 1 }));
    statistics.ended(ended('echo', { code: 'tool_failed' }));
    expect(statistics.snapshot()['echo']).to.deep.include({
      calls: 4,
      errors: { tool_failed: 2 },
      inFlight: 1,
      chunks: 6,
    });
  });

  it('does not count names that are no tools', () => {
    const statistics = new CallStatistics(() => false);
    for (let n = 0; n < 100; n += 1) {
      statistics.started({ name: `invented-${n}`, kind: 'tool' });
      statistics.ended(ended(`invented-${n}`, { code: 'tool_not_found' }));
    }
    expect(statistics.snapshot()).to.deep.equal({});
  });

  it('counts what came through each transport, and how it ended, and unknown names together', () => {
    const statistics = new CallStatistics((name) => name === 'echo');
    statistics.started(call);
    for (const code of [undefined, 'cancelled', 'deadline_exceeded', 'overloaded', 'overloaded'] as const)
      statistics.ended(ended('echo', code === undefined ? {} : { code }));
    const { ends } = statistics.tools.get('echo') ?? {};
    expect([...(ends?.get('http') ?? [])]).to.deep.equal([
      ['success', 1],
      ['cancelled', 1],
      ['timeout', 1],
      ['error', 2],
    ]);
    for (const name of ['a', 'b']) statistics.ended(ended(name, { code: 'tool_not_found' }));
    expect(statistics.unknown.errors.get('tool_not_found')).to.equal(2);
    expect([...statistics.tools.keys()]).to.deep.equal(['echo']);
  });

  it('sorts the tools by name', () => {
    const statistics = new CallStatistics(() => true);
    for (const name of ['b', 'a', 'c']) statistics.started({ name, kind: 'tool' });
    expect(Object.keys(statistics.snapshot())).to.deep.equal(['a', 'b', 'c']);
  });
});
