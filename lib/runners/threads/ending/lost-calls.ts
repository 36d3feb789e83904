/**
 * What becomes of a call that went down with its thread.
 *
 * C1. One that had begun is never run again here: it ends with what its thread died of. The mark in memory that the
 *     thread shares with the gateway tells, even of a thread that could say nothing more (port/frames F6). Whether its
 *     tool may run twice, and should, is for the dispatcher to decide (lib/dispatch/policy/retries.ts).
 * C2. One that had not is tried elsewhere, whatever its tool: nothing is run twice. That is no retry, and counts for none, at most twice; a third thread that dies before it says that it is not chance.
 */
import { ToolError } from '../../../call/tool-error.ts';
import type { ToolCall } from '../tool-call.ts';
import type { ThreadDeath } from './thread-death.ts';

const MAX_LOST_STARTS = 2;

/** @returns whether the call is to be tried elsewhere; if not, it has ended. */
export function isTriedAgain(call: ToolCall, death: ThreadDeath, isClosed: boolean): boolean {
  if (call.isEnded) return false;
  if (call.hasStarted || isClosed) {
    call.fail(call.crashError(death.code, death.message));
    return false;
  }
  if (++call.lostStarts <= MAX_LOST_STARTS) return true;
  const text = `${call.lostStarts} threads ended before the call could run; try again later`;
  call.fail(new ToolError('unavailable', text, { retryAfterMs: 1000 }));
  return false;
}
