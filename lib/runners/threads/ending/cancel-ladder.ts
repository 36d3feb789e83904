/**
 * What is done behind a call that was cancelled. For its caller it has ended already; its place on the thread stays
 * taken until the thread is free, one step after the other:
 *
 * S0. One that waits in line for the one before it is taken back, and that is all.
 * S1. At once its thread is told, and the tool's signal aborts. Tools that heed it end within milliseconds.
 * S2. After half the grace, where no thread is free and none may be added, a successor starts (successor.ts): a thread
 *     takes longer to start than most calls to run, and what waits should not wait for that too.
 * S3. After the grace its thread is killed (thread-ends.ts). The calls beside it are lost with it: those that had not
 *     begun are tried elsewhere (lost-calls.ts), the others end `worker_crashed` (thread-death.ts).
 */
import type { CancelReason } from '../../../call/running-call.ts';
import type { ThreadLink } from '../crew/thread-link.ts';
import type { ToolCall } from '../tool-call.ts';

/** What the ladder needs of the pool. */
export interface LadderHost {
  readonly graceMs: number;
  links(): Iterable<ThreadLink>;
  /** A call has left its thread, which has not begun it. */
  takenBack(call: ToolCall): void;
  /** Whether a thread could take an exclusive call now. */
  hasFreeThread(): boolean;
  /** Starts the successor of a thread, where it needs one. */
  prepareSuccessor(behind: ThreadLink): void;
  kill(link: ThreadLink, reason: string): void;
}

export class CancelLadder {
  readonly #host: LadderHost;

  constructor(host: LadderHost) {
    this.#host = host;
  }

  /** Takes the first step, and the others when it is time, for as long as the call is on its thread. */
  climb(call: ToolCall, reason: CancelReason): void {
    const { graceMs } = this.#host;
    for (const link of this.#host.links()) {
      if (link.callOf(call.number) !== call) continue;
      if (link.takeBack(call)) return this.#host.takenBack(call);
      link.post({ type: 'cancel', call: call.number, reason });
      const ifItRuns = (afterMs: number, step: () => void) =>
        setTimeout(() => link.callOf(call.number) === call && step(), afterMs).unref();
      ifItRuns(graceMs / 2, () => {
        if (!this.#host.hasFreeThread()) this.#host.prepareSuccessor(link);
      });
      const { callId, request } = call;
      ifItRuns(graceMs, () =>
        this.#host.kill(
          link,
          `the cancelled call ${callId} of "${request.name}" did not stop within its grace`,
        ),
      );
      return;
    }
  }
}
