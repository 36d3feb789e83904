/**
 * Readers who come back for the rest of a call: by Last-Event-ID on the request that began the stream, or at
 * `GET /calls/{id}/events`.
 *
 * C1. No such request ever runs a tool.
 * C2. One that has seen the closing event is answered 204, at which an EventSource stays away.
 */
import { ToolError } from '../../call/tool-error.ts';
import { type Calls, callNotFound } from '../../dispatch/calls.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import type { AnswerFormat } from './registration.ts';
import { commonHeaders } from './response.ts';

/** Where a reader left a call. */
export interface LeftAt {
  readonly callId: string;
  /** The number of the last event that it has; -1: none. `moved`: it was told that another reader has the call. */
  readonly after: number | 'moved';
}

/** As stream ids are written: the call's id, a dot, and the event's number. */
const EVENT_ID = /^([\w-]{1,128})\.(\d{1,15}|moved)$/;

/** What the Last-Event-ID of a request says; undefined for an id that is no event's of a call. */
export function lastEventId({ headers }: GatewayRequest): LeftAt | undefined {
  const [, callId, after = ''] = EVENT_ID.exec(String(headers['last-event-id'] ?? '')) ?? [];
  if (callId === undefined) return undefined;
  return { callId, after: after === 'moved' ? after : Number(after) };
}

/**
 * Answers with what follows in a call that is kept.
 * @param tool the tool that it must be of; undefined: any.
 * @throws {ToolError} call_not_found, `gone`, invalid_request.
 */
export async function resumeCall(
  request: GatewayRequest,
  response: GatewayResponse,
  {
    calls,
    format,
    tool,
  }: { readonly calls: Calls; readonly format: AnswerFormat; readonly tool?: string | undefined },
  { callId, after }: LeftAt,
): Promise<void> {
  const { keyId } = request;
  const state = await calls.find(callId, keyId);
  if (!state || (tool !== undefined && state.tool !== tool)) throw callNotFound(callId);
  if (after === 'moved') return answerNothing(request, response, callId);
  const call = await calls.resume({ callId, keyId, after });
  if (call.reading?.isOver) answerNothing(request, response, callId);
  else format.serve(request, response, call);
}

export function answerNothing(request: GatewayRequest, response: GatewayResponse, callId: string): void {
  if (response.destroyed) return;
  response.writeHead(204, [...commonHeaders(request), 'X-Call-Id', callId, 'Cache-Control', 'no-store']);
  response.end();
}

/**
 * Where the client of `GET /calls/{id}/events` is: Last-Event-ID, which a client that reconnects sends, before `?after=`.
 * @throws {ToolError} invalid_request for what is neither's form, or another call's.
 */
export function leftAt(request: GatewayRequest): LeftAt {
  const { id: callId = '' } = request.params;
  const header = request.headers['last-event-id'];
  if (header !== undefined && header !== '') {
    const left = lastEventId(request);
    if (left?.callId === callId) return left;
    const reason = `Last-Event-ID ${JSON.stringify(header)} is no event of this call; it is ${callId}.<number>`;
    throw new ToolError('invalid_request', reason);
  }
  const after = new URLSearchParams(request.url?.slice(request.pathOnly.length)).get('after');
  if (after === null) return { callId, after: -1 };
  if (!/^\d{1,15}$/.test(after)) {
    const reason = `"after" is ${JSON.stringify(after)}; it must be the number of an event, 0 or more`;
    throw new ToolError('invalid_request', reason);
  }
  return { callId, after: Number(after) };
}
