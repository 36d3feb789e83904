/**
 * A call as one JSON answer: `{status, data, meta}` when it succeeds, a problem document when not.
 *
 * Y1. A client that leaves cancels its call.
 * Y2. A large answer is watched like a stream, so that a reader that stands still cannot hold it for ever.
 * Y3. What is thrown here is a defect of ours, and none of the runner's that tells the end: it is logged, and answered
 *     with 500.
 */
import type { ResultEvent, TerminalEvent } from '../../call/call-events.ts';
import type { RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import { onceClosed } from '../http/departure.ts';
import type { GatewayRequest, GatewayResponse } from '../http/gateway-message.ts';
import { JSON_TYPE, respond, respondProblem } from '../http/response.ts';
import type { StreamContext } from '../http/response-stream.ts';

const WATCHED_LENGTH = 64 * 1024;

/** How a call that has succeeded is answered. */
type SuccessText = (callId: string, end: ResultEvent) => string;

/** What the tool gave, and nothing else. */
export const bareData: SuccessText = (_, { data }) => data ?? 'null';

export function answerCall(
  request: GatewayRequest,
  response: GatewayResponse,
  call: RunningCall,
  context: StreamContext,
  successText: SuccessText,
): void {
  onceClosed(request, response, (hasLeft) => {
    if (hasLeft) call.cancel('cancelled', 'the client left');
  });
  call.onEnd((end) => {
    try {
      answerEnd(request, response, end, call.callId, context, successText);
    } catch (error) {
      context.log('error', 'the end of a call could not be answered', { callId: call.callId, error });
      respondProblem(request, response, new ToolError('internal', 'the answer could not be written'), {
        callId: call.callId,
      });
    }
  });
}

function answerEnd(
  request: GatewayRequest,
  response: GatewayResponse,
  end: TerminalEvent,
  callId: string,
  context: StreamContext,
  successText: SuccessText,
): void {
  if (end.type === 'error') return respondProblem(request, response, end.error, { callId });
  const text = successText(callId, end);
  const isWatched = text.length > WATCHED_LENGTH;
  if (isWatched) watchAnswer(request, response, callId, context);
  const bytes = respond(request, response, 200, JSON_TYPE, text, 'X-Call-Id', callId);
  if (!isWatched) context.meter.bytes += bytes; // the watch counts what it watches
}

function watchAnswer(
  request: GatewayRequest,
  response: GatewayResponse,
  callId: string,
  { watch, meter, log }: StreamContext,
): void {
  const answer = {
    socket: request.socket,
    meter,
    stall() {
      log('warning', 'a reader made no progress; its connection was destroyed', { callId });
      response.destroy();
    },
  };
  watch.add(answer);
  onceClosed(request, response, () => watch.remove(answer));
}

/** What the tool gave, and what is known of the call. */
export const envelope: SuccessText = (callId, { data, meta, chunks, durationMs }) =>
  `{"status":"success","data":${data},"meta":${metaText(`"callId":"${callId}","chunks":${chunks},"durationMs":${durationMs}`, meta)}}`;

/** Our facts first, then the tool's own; where the names meet, ours hold. */
function metaText(facts: string, meta: string | null): string {
  if (meta === null || meta === '{}') return `{${facts}}`;
  if (!/"(callId|chunks|durationMs)"/.test(meta)) return `{${facts},${meta.slice(1)}`;
  const ours = JSON.parse(`{${facts}}`);
  return JSON.stringify({ ...ours, ...JSON.parse(meta), ...ours });
}
