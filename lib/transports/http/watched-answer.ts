/** Whole answers to calls. A large one is watched like a stream: a reader that stands still cannot hold it for ever. */
import { onceClosed } from './departure.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import { respond } from './response.ts';
import type { StreamContext } from './response-stream.ts';

const WATCHED_LENGTH = 64 * 1024;

/** Answers as `respond` does, and counts the bytes. */
export function respondWatched(
  request: GatewayRequest,
  response: GatewayResponse,
  context: StreamContext,
  status: number,
  contentType: string,
  body: string,
  ...extra: string[]
): void {
  const isWatched = body.length > WATCHED_LENGTH;
  if (isWatched) watchAnswer(request, response, context);
  const bytes = respond(request, response, status, contentType, body, ...extra);
  if (!isWatched) context.meter.bytes += bytes; // the watch counts what it watches
}

function watchAnswer(
  request: GatewayRequest,
  response: GatewayResponse,
  { watch, meter, log }: StreamContext,
): void {
  const { requestId } = request;
  const answer = {
    socket: request.socket,
    meter,
    stall() {
      log('warning', 'a reader made no progress; its connection was destroyed', { requestId });
      response.destroy();
    },
  };
  watch.add(answer);
  onceClosed(request, response, () => watch.remove(answer));
}
