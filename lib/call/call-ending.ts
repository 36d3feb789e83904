/** What running calls share about their ends, whatever runs them. */
import type { TerminalEvent, ToolEvent } from './call-events.ts';
import { ERROR_CODES } from './error-code.ts';
import type { CancelReason } from './running-call.ts';
import { ToolError } from './tool-error.ts';

/** Reads a call to its end. @throws {ToolError} `internal` where that has been done before. */
export async function outcomeOf(events: AsyncIterator<ToolEvent>, callId: string): Promise<TerminalEvent> {
  for (;;) {
    const step = await events.next();
    if (step.done) throw new ToolError('internal', `call ${callId} was read to its end before`);
    if (step.value.type === 'result' || step.value.type === 'error') return step.value;
  }
}

/** The end of a call that was cancelled. @param message in place of the usual text. */
export const cancelError = (reason: CancelReason, message?: string): ToolError =>
  new ToolError(reason, message ?? `the call was ended: ${ERROR_CODES[reason].title.toLowerCase()}`);
