/**
 * A call as one JSON answer: `{status, data, meta}` when it succeeds, a problem document when not.
 *
 * Y1. A client that leaves cancels its call, unless that waits for another reader. A kept call is read to its end here,
 *     as a stream is, and answered 409 to whoever another reader has replaced.
 * Y2. A large answer is watched like a stream, so that a reader that stands still cannot hold it for ever.
 * Y3. What is thrown here is a defect of ours, and none of the runner's that tells the end: it is logged, and answered
 *     with 500.
 */
import type { ResultEvent, TerminalEvent } from '../../call/call-events.ts';
import { leave, type RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import { onceClosed } from '../http/departure.ts';
import type { GatewayRequest, GatewayResponse } from '../http/gateway-message.ts';
import { JSON_TYPE, respondProblem } from '../http/response.ts';
import { replayHeader, type StreamContext } from '../http/response-stream.ts';
import { respondWatched } from '../http/watched-answer.ts';
import { durationText } from '../rendering/duration-text.ts';
import { readWhole } from '../rendering/whole-reading.ts';

/** How a call that has succeeded is answered. */
type SuccessText = (callId: string, end: ResultEvent) => string;

/** What the tool gave, and nothing else. */
export const bareData: SuccessText = (_, { data }) => data ?? 'null';

export interface AnswerContext extends StreamContext {
  /** The largest list of chunks that an answer holds. */
  readonly maxResultBytes: number;
}

export function answerCall(
  request: GatewayRequest,
  response: GatewayResponse,
  call: RunningCall,
  context: AnswerContext,
  successText: SuccessText,
): void {
  onceClosed(request, response, (hasLeft) => {
    if (hasLeft) leave(call, 'cancelled', 'the client left');
  });
  const fail = (error: unknown) => {
    context.log('error', 'the end of a call could not be answered', { callId: call.callId, error });
    respondProblem(request, response, new ToolError('internal', 'the answer could not be written'), {
      callId: call.callId,
    });
  };
  const answer = (end: TerminalEvent) => {
    try {
      answerEnd(request, response, end, call, context, successText);
    } catch (error) {
      fail(error);
    }
  };
  if (call.reading) readWhole(call, context.maxResultBytes).then((end) => end && answer(end), fail);
  else call.onEnd(answer);
}

function answerEnd(
  request: GatewayRequest,
  response: GatewayResponse,
  end: TerminalEvent,
  call: RunningCall,
  context: StreamContext,
  successText: SuccessText,
): void {
  const { callId } = call;
  const extra = replayHeader(call);
  if (end.type === 'error') return respondProblem(request, response, end.error, { callId }, ...extra);
  const text = successText(callId, end);
  respondWatched(request, response, context, 200, JSON_TYPE, text, 'X-Call-Id', callId, ...extra);
}

/** What the tool gave, and what is known of the call. */
export const envelope: SuccessText = (callId, { data, meta, chunks, durationMs }) =>
  `{"status":"success","data":${data},"meta":${metaText(`"callId":"${callId}","chunks":${chunks},"durationMs":${durationText(durationMs)}`, meta)}}`;

/** Our facts first, then the tool's own; where the names meet, ours hold. */
function metaText(facts: string, meta: string | null): string {
  if (meta === null || meta === '{}') return `{${facts}}`;
  if (!/"(callId|chunks|durationMs)"/.test(meta)) return `{${facts},${meta.slice(1)}`;
  const ours = JSON.parse(`{${facts}}`);
  return JSON.stringify({ ...ours, ...JSON.parse(meta), ...ours });
}
