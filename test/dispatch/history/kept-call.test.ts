import { expect } from 'chai';
import type { ErrorEvent, TerminalEvent, ToolEvent } from '../../../lib/call/call-events.ts';
import type { RunningCall } from '../../../lib/call/running-call.ts';
import { ToolError } from '../../../lib/call/tool-error.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';
import { memoryHistory } from '../../support/memory-history.ts';

/** A call that makes the error of its end itself, as the gateway's do: it is on the stack. */
class FailingCall implements RunningCall {
  readonly callId = 'c';
  readonly request = {
    name: 'tool',
    arguments: { text: 'x' },
    caller: { keyId: 'k', transport: 'sse' },
    streams: true,
    repeatBytes: 0,
    keep: { detachMs: undefined, repeatBytes: 0, comesBack: true },
  };
  readonly hasStarted = true;
  readonly #cause: unknown;
  #tellEnd: (end: TerminalEvent) => void = () => undefined;

  constructor(makeCause: (() => unknown) | undefined) {
    this.#cause = makeCause?.call(this);
  }

  #fail(): ErrorEvent {
    const error = new ToolError('internal', 'it failed', { cause: this.#cause });
    return { type: 'error', error, chunks: 0, durationMs: 1 };
  }

  cancel(): void {}
  answer(): void {}
  onEnd(listener: (end: TerminalEvent) => void): void {
    this.#tellEnd = listener;
  }
  outcome(): Promise<TerminalEvent> {
    return new Promise(() => undefined);
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<ToolEvent> {
    yield { type: 'started' };
    const end = this.#fail();
    this.#tellEnd(end);
    yield end;
  }
}

describe('a kept call that has failed', () => {
  for (const [what, makeCause] of [
    ['its error', undefined],
    ["its error's cause", () => new TypeError('a defect')],
  ] as const)
    it(`holds on to its end, and by ${what} to nothing that ran it`, async () => {
      const history = memoryHistory();
      const call = await (async () => {
        const made = new FailingCall(makeCause);
        for await (const _ of history.keep(made, true));
        return new WeakRef(made);
      })();
      await collectGarbage();
      expect(call.deref()).to.equal(undefined);
      const end = history.kept('c', 'k')?.state.end;
      if (end?.type !== 'error') return expect.fail('it is not kept');
      expect(end.error.message).to.equal('it failed');
      expect(end.error.stack).to.equal('ToolError: it failed');
    });
});
