import { expect } from 'chai';
import type { ToolEvent } from '../../../lib/call/call-events.ts';
import type { RunningCall } from '../../../lib/call/running-call.ts';
import { ToolError } from '../../../lib/call/tool-error.ts';
import { FleetHistory } from '../../../lib/dispatch/history/fleet-history.ts';
import type { SharedCalls } from '../../../lib/dispatch/history/shared-calls.ts';
import { memoryHistory } from '../../support/memory-history.ts';

/** A call that has begun, and of which nothing more is heard here. */
function begunCall(callId: string): RunningCall {
  async function* events(): AsyncGenerator<ToolEvent> {
    yield { type: 'started' };
    await new Promise(() => undefined);
  }
  return {
    callId,
    request: {
      name: 'tool',
      arguments: {},
      caller: { keyId: 'k', transport: 'sse' },
      streams: true,
      repeatBytes: 0,
      keep: { detachMs: undefined, repeatBytes: 0, comesBack: true },
    },
    hasStarted: true,
    cancel() {},
    answer() {},
    onEnd() {},
    outcome: () => new Promise(() => undefined),
    [Symbol.asyncIterator]: () => events()[Symbol.asyncIterator](),
  };
}

describe('the history of a fleet', () => {
  /** @param isElsewhere what Redis says of the call that is kept here; undefined: it does not answer. */
  const opened = async (isElsewhere: boolean | undefined) => {
    const shared: Partial<SharedCalls> = {
      isElsewhere: async () => isElsewhere,
      onMoved: () => undefined,
      take: async () => undefined,
    };
    const history = new FleetHistory(memoryHistory(), shared as SharedCalls);
    const reader = history.keep(begunCall('c'), true)[Symbol.asyncIterator]();
    await reader.next();
    return (after: number) =>
      history.resume({ callId: 'c', keyId: 'k', after }).then(
        () => 'resumed',
        (error: unknown) => (ToolError.is(error) ? error.code : String(error)),
      );
  };

  it('goes on with what is here where its client has seen no more of it', async () => {
    for (const isElsewhere of [false, undefined])
      expect(await (await opened(isElsewhere))(0)).to.equal('resumed');
  });

  it('does not take a client that has seen more elsewhere for one that is wrong, while Redis cannot tell', async () => {
    expect(await (await opened(undefined))(17)).to.equal('unavailable');
  });

  it('says that there is no such event where it knows, and looks elsewhere where that is', async () => {
    expect(await (await opened(false))(17)).to.equal('invalid_request');
    expect(await (await opened(true))(17)).to.equal('call_not_found');
  });
});
