/**
 * A call that was refused before it reached a thread: its only event is its error, so that transports have one
 * way to read a call.
 */

import type { ErrorEvent, TerminalEvent } from '../call/call-events.ts';
import type { CallRequest, RunningCall } from '../call/running-call.ts';
import type { ToolError } from '../call/tool-error.ts';

export function refusedCall(
  request: CallRequest & { readonly callId: string },
  error: ToolError,
): RunningCall {
  const end: ErrorEvent = { type: 'error', error, chunks: 0, durationMs: 0, seq: 1 };
  return {
    callId: request.callId,
    request,
    hasStarted: false,
    cancel() {},
    answer() {},
    onEnd(listener: (end: TerminalEvent) => void) {
      queueMicrotask(() => listener(end));
    },
    async outcome() {
      return end;
    },
    async *[Symbol.asyncIterator]() {
      yield end;
    },
  };
}
