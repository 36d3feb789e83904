/** What runs for the one client over stdio, so that all of it can be ended when that leaves. */
import type { RunningCall } from '../../../call/running-call.ts';

export class RunningCalls {
  readonly #calls = new Set<RunningCall>();

  readonly note = (call: RunningCall): void => {
    this.#calls.add(call);
    call.onEnd(() => this.#calls.delete(call));
  };

  /** Cancels what runs; each call ends with an error that is still an answer. */
  end(): void {
    for (const call of [...this.#calls]) call.cancel('unavailable', 'the client has left');
  }
}
