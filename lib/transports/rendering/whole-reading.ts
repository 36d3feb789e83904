/**
 * Reads a kept call to its end, for an answer in one piece.
 *
 * W1. A call that was made as a stream does not repeat a long list of its chunks: it is put together here, where all of
 *     them are kept.
 */
import type { TerminalEvent } from '../../call/call-events.ts';
import type { RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';

/**
 * @param maxBytes the largest list that is put together.
 * @returns undefined when its reader has left.
 */
export async function readWhole(call: RunningCall, maxBytes: number): Promise<TerminalEvent | undefined> {
  const items: string[] = [];
  // Of a call that was made for its end alone, the end has the list, or it is too large.
  let bytes = call.request.repeatBytes < maxBytes ? 2 : Number.POSITIVE_INFINITY;
  for await (const event of call) {
    if (event.type === 'chunks') {
      if (event.index !== items.length || bytes > maxBytes) continue;
      for (const item of event.items) {
        items.push(item);
        bytes += Buffer.byteLength(item) + 1;
      }
    } else if (event.type === 'error') return event;
    else if (event.type === 'result') {
      if (event.data !== null || !event.repeats) return event;
      if (items.length === event.chunks && bytes <= maxBytes)
        return { ...event, data: `[${items.join(',')}]` };
      return { ...event, type: 'error', error: listMissing(call.callId, bytes > maxBytes) };
    }
  }
  return undefined;
}

const listMissing = (callId: string, isTooLarge: boolean): ToolError =>
  isTooLarge
    ? new ToolError(
        'result_too_large',
        'the list of chunks is larger than MAX_RESULT_BYTES; read it as a stream',
      )
    : new ToolError('gone', `the first chunks of the call ${callId} are no longer kept (RESUME_BYTES)`);
