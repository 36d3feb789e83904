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
 *
 * A step is taken when the gateway would have heard that the call has ended meanwhile (hearing.ts): one that was busy for
 * as long as the grace would kill a thread whose answer it has not read.
 */
import type { CancelReason } from '../../../call/running-call.ts';
import type { ThreadLink } from '../crew/thread-link.ts';
import type { Hearing } from '../hearing.ts';
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

/** How soon it is looked again whether all is heard. */
const LOOK_MS = 1;

export class CancelLadder {
  readonly #hearing: Hearing;
  readonly #host: LadderHost;

  constructor(hearing: Hearing, host: LadderHost) {
    this.#hearing = hearing;
    this.#host = host;
  }

  /** Takes the first step, and the others when it is time, for as long as the call is on its thread. */
  climb(call: ToolCall, reason: CancelReason): void {
    const { graceMs } = this.#host;
    for (const link of this.#host.links()) {
      if (link.callOf(call.number) !== call) continue;
      if (link.takeBack(call)) return this.#host.takenBack(call);
      link.post({ type: 'cancel', call: call.number, reason });
      const isThere = () => link.callOf(call.number) === call;
      this.#after(graceMs / 2, isThere, () => {
        if (!this.#host.hasFreeThread()) this.#host.prepareSuccessor(link);
      });
      const { callId, request } = call;
      this.#after(graceMs, isThere, () =>
        this.#host.kill(
          link,
          `the cancelled call ${callId} of "${request.name}" did not stop within its grace`,
        ),
      );
      return;
    }
  }

  /** Takes a step after so long, if the call is on its thread still, as far as can be heard by then. */
  #after(ms: number, isThere: () => boolean, step: () => void): void {
    const dueAt = performance.now() + ms;
    const look = () => {
      if (!isThere()) return;
      if (this.#hearing.upTo(performance.now()) >= dueAt) step();
      else setTimeout(look, LOOK_MS).unref();
    };
    setTimeout(look, ms).unref();
  }
}
