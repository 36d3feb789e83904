/**
 * Writes whole HTTP answers: the headers that every answer has, bodies in one write, problem documents.
 *
 * W1. Every answer carries X-Request-Id; CORS headers go to listed origins and to nobody else.
 * W2. Nothing is written to a response that is gone or already begun.
 */

import type { ToolError } from '../../call/tool-error.ts';
import { type ProblemContext, renderProblem, retryAfterSeconds } from '../rendering/error-rendering.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';

export const JSON_TYPE = 'application/json; charset=utf-8';
export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Headers that scripts of listed origins may read. */
const EXPOSED_HEADERS =
  'X-Request-Id, X-Call-Id, Retry-After, Idempotent-Replay, Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate';

/** The headers of every answer, names and values in turn, ready for `writeHead`. */
export function commonHeaders(request: GatewayRequest): string[] {
  const headers = ['X-Request-Id', request.requestId, 'X-Content-Type-Options', 'nosniff'];
  if (request.corsOrigin !== undefined) {
    headers.push('Access-Control-Allow-Origin', request.corsOrigin, 'Vary', 'Origin');
    headers.push('Access-Control-Expose-Headers', EXPOSED_HEADERS);
  }
  return headers;
}

/**
 * Answers with a whole body; `extra` are more headers, names and values in turn. Without a Cache-Control among them the
 * answer is not to be kept.
 * @returns the bytes of the body; 0 when there was nobody to answer.
 */
export function respond(
  request: GatewayRequest,
  response: GatewayResponse,
  status: number,
  contentType: string,
  body: string,
  ...extra: string[]
): number {
  if (response.headersSent || response.destroyed) return 0;
  const headers = commonHeaders(request);
  const bytes = Buffer.byteLength(body);
  headers.push('Content-Type', contentType, 'Content-Length', String(bytes));
  if (!extra.includes('Cache-Control')) headers.push('Cache-Control', 'no-store');
  headers.push(...extra);
  response.writeHead(status, headers);
  response.end(body);
  return bytes;
}

/** Answers with a whole JSON body. */
export function respondJson(
  request: GatewayRequest,
  response: GatewayResponse,
  body: object,
  status = 200,
): void {
  const extra = status === 503 ? ['Retry-After', '1'] : [];
  respond(request, response, status, JSON_TYPE, JSON.stringify(body), ...extra);
}

/** Answers with the problem document of an error. */
export function respondProblem(
  request: GatewayRequest,
  response: GatewayResponse,
  error: ToolError,
  { callId, status }: Pick<ProblemContext, 'callId' | 'status'> = {},
  ...extra: string[]
): void {
  const body = renderProblem(error, {
    instance: request.pathOnly,
    requestId: request.requestId,
    callId,
    ...(status === undefined ? {} : { status }),
  });
  const headers = problemHeaders(error);
  if (callId !== undefined) headers.push('X-Call-Id', callId);
  respond(request, response, status ?? error.status, PROBLEM_TYPE, body, ...headers, ...extra);
}

/** The headers that an error brings along. */
export function problemHeaders(error: ToolError): string[] {
  const seconds = retryAfterSeconds(error);
  if (seconds !== undefined) return ['Retry-After', String(seconds)];
  return error.code === 'unauthenticated' ? ['WWW-Authenticate', 'Bearer realm="mcp-streaming-gateway"'] : [];
}
