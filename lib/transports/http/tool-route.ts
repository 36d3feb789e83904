/**
 * `POST /tools/{name}` and `/stream`: reads the call, starts it, and hands it to the door the client asked for.
 *
 * O1. Checked in this order: tool, Accept, Content-Type, size, JSON, fields; then admission and arguments.
 */

import { ToolError } from '../../call/tool-error.ts';
import type { Dispatcher } from '../../dispatch/dispatcher.ts';
import { toolNotFound } from '../../dispatch/dispatcher.ts';
import { NdjsonSink } from '../ndjson/ndjson-sink.ts';
import { readCallInput, repeatBytesOf } from '../rendering/call-input.ts';
import { pumpEvents } from '../rendering/event-pump.ts';
import type { StreamWatch } from '../rendering/stream-watch.ts';
import type { TransportLog } from '../rendering/transport-log.ts';
import type { TransportMeters } from '../rendering/transport-meters.ts';
import { answerCall } from '../rest/sync-answer.ts';
import { SseSink } from '../sse/sse-sink.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import { negotiate } from './negotiation.ts';
import { readJsonBody, requireJson } from './request-body.ts';

export interface ToolRouteContext {
  readonly dispatcher: Dispatcher;
  readonly watch: StreamWatch;
  readonly meters: TransportMeters;
  readonly log: TransportLog;
  /** How long a stream waits for its tool to start before it sends its head. */
  readonly headDelayMs: number;
  readonly maxBodyBytes: number;
  readonly maxResultBytes: number;
  readonly repeatBytes: number;
}

const DOOR_OF = {
  'application/json': 'http',
  'text/event-stream': 'sse',
  'application/x-ndjson': 'ndjson',
} as const;

type MediaType = keyof typeof DOOR_OF;

/** What `/tools/{name}` and `/tools/{name}/stream` offer, best first. */
export const ANY_ANSWER = ['application/json', 'text/event-stream', 'application/x-ndjson'] as const;
export const STREAMED_ANSWER = ['text/event-stream', 'application/x-ndjson'] as const;

export async function runTool(
  request: GatewayRequest,
  response: GatewayResponse,
  context: ToolRouteContext,
  offers: readonly [MediaType, ...MediaType[]],
): Promise<void> {
  const { name = '' } = request.params;
  if (!context.dispatcher.tool(name)) throw toolNotFound(name, context.dispatcher.catalog);
  const type = negotiate(request.headers.accept, offers);
  if (type === undefined) {
    throw new ToolError(
      'not_acceptable',
      `this answers with ${offers.join(', ')}; ask for one of them in Accept`,
    );
  }
  requireJson(request);
  const input = readCallInput(await readJsonBody(request, response, context.maxBodyBytes));
  if (response.destroyed) return;
  const door = DOOR_OF[type];
  const call = context.dispatcher.call({
    name,
    arguments: input.arguments,
    caller: { keyId: request.keyId, transport: door },
    streams: door !== 'http',
    repeatBytes: door === 'http' ? context.maxResultBytes : repeatBytesOf(input, context),
    timeoutMs: input.timeoutMs,
  });
  const { watch, log, headDelayMs } = context;
  const stream = { watch, log, headDelayMs, meter: context.meters[door] };
  if (door === 'http') return answerCall(request, response, call, stream);
  const Sink = door === 'sse' ? SseSink : NdjsonSink;
  // Not awaited: as long as Express waits for this function it keeps all that led here, some 1.5 KB a stream.
  pumpEvents(call, new Sink(request, response, call, stream)).catch((error: unknown) => {
    log('error', 'the events of a call could not be sent', { callId: call.callId, error });
    response.destroy();
  });
}
