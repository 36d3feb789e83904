/**
 * The seam for tracing: who writes spans of calls. The gateway has none where nobody has registered an SDK, and then
 * nothing is paid for it.
 */
import type { TerminalEvent } from './call-events.ts';
import type { CallKind } from './catalog.ts';
import type { CallRequest } from './running-call.ts';
import type { TraceContext } from './trace-context.ts';

/** One call that is traced. Nothing of it throws. */
export interface TracedCall {
  /** Of the call's span: what the log names, and its parts belong to. */
  readonly trace: TraceContext | undefined;
  /** The call is being given to its tool, for the first time or once more. @returns what its tool is told. */
  runs(): TraceContext | undefined;
  /** @param isStarted whether its tool has run. */
  ended(end: TerminalEvent, isStarted: boolean): void;
}

export interface CallTracer {
  /** A call is taken in, or refused: its end follows in any case. Never throws. */
  begin(request: CallRequest, kind: CallKind, callId: string): TracedCall;
}
