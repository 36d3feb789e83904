/**
 * Writes whole HTTP answers: the headers that every answer has, bodies in one write, problem documents.
 *
 * W1. Every answer carries X-Request-Id; CORS headers go to listed origins and to nobody else.
 * W2. Nothing is written to a response that is gone or already begun.
 * W3. JSON that is long is sent packed to who accepts that (content-coding.ts); it leaves a little later then.
 * W4. A whole body is written and then ended. `end(body)` adds an empty text, so that Node has two to gather into memory of
 *     their own for `writev`: some 5 % of an echo's time on the main thread.
 */

import { ToolError } from '../../call/tool-error.ts';
import { type ProblemContext, renderProblem, retryAfterSeconds } from '../rendering/error-rendering.ts';
import type { TransportLog } from '../rendering/transport-log.ts';
import { COMPRESSED_FROM, chooseCoding, isCodingRefusal, pack } from './content-coding.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';

export const JSON_TYPE = 'application/json; charset=utf-8';
export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** Headers that scripts of listed origins may read. */
const EXPOSED_HEADERS =
  'X-Request-Id, X-Call-Id, Retry-After, RateLimit, RateLimit-Policy, Idempotent-Replay, Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate';

/** The headers of every answer, names and values in turn, ready for `writeHead`. */
export function commonHeaders(request: GatewayRequest): string[] {
  const headers = ['X-Request-Id', request.requestId, 'X-Content-Type-Options', 'nosniff'];
  if (request.corsOrigin !== undefined) {
    headers.push('Access-Control-Allow-Origin', request.corsOrigin, 'Vary', 'Origin');
    headers.push('Access-Control-Expose-Headers', EXPOSED_HEADERS);
  }
  if (request.callHeaders.length > 0) headers.push(...request.callHeaders);
  return headers;
}

/**
 * Answers with a whole body; `extra` are more headers, names and values in turn. Without a Cache-Control among them the
 * answer is not to be kept.
 * @returns the bytes of the body, before any coding; 0 when there was nobody to answer.
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
  headers.push('Content-Type', contentType, ...extra);
  if (!extra.includes('Cache-Control')) headers.push('Cache-Control', 'no-store');
  return sendBody(request, response, status, headers, body);
}

/**
 * Sends a head and a whole body, of which `headers` tell everything but its length and its coding.
 * @returns the bytes of the body, before any coding.
 */
export function sendBody(
  request: GatewayRequest,
  response: GatewayResponse,
  status: number,
  headers: string[],
  body: string,
): number {
  const bytes = Buffer.byteLength(body);
  const coding = chooseCoding(request.headers['accept-encoding'], bytes);
  if (coding || bytes >= COMPRESSED_FROM) headers.push('Vary', 'Accept-Encoding');
  const send = (content: string | Buffer, length: number) => {
    headers.push('Content-Length', String(length));
    response.writeHead(status, headers);
    endWith(response, content, length);
  };
  const packing = coding && pack(body, coding);
  if (!packing) send(body, bytes);
  else {
    packing
      .then((packed) => {
        if (response.headersSent || response.destroyed) return;
        if (packed) headers.push('Content-Encoding', coding);
        if (packed) weakenTag(headers);
        send(packed ?? body, packed?.length ?? bytes);
      })
      .catch(() => response.destroy());
  }
  return bytes;
}

/**
 * Sends the body, and the head with it, by one plain write (W4).
 * @param bytes the length of the content in bytes.
 */
function endWith(response: GatewayResponse, content: string | Buffer, bytes: number): void {
  const { socket } = response;
  // Without a socket the answer waits behind another on its connection, and Node keeps what it has to say.
  if (socket === null || bytes === 0) {
    response.end(content);
    return;
  }
  socket.cork();
  response.write(content, bytes === content.length ? 'latin1' : 'utf8');
  socket.uncork();
  response.end();
}

/** The bytes that a strong ETag stands for are others in each coding (RFC 9110, 8.8.3.3). */
function weakenTag(headers: string[]): void {
  const value = headers.indexOf('ETag') + 1;
  if (value > 0 && headers[value]?.startsWith('"')) headers[value] = `W/${headers[value]}`;
}

/** Answers with a whole JSON body; `extra` as `respond` takes them. */
export function respondJson(
  request: GatewayRequest,
  response: GatewayResponse,
  body: object,
  status = 200,
  ...extra: string[]
): void {
  respond(request, response, status, JSON_TYPE, JSON.stringify(body), ...extra);
}

/** Answers with another address; which one depends on Accept. */
export function redirect(
  request: GatewayRequest,
  response: GatewayResponse,
  status: 303 | 308,
  location: string,
): void {
  const headers = [...commonHeaders(request), 'Location', location, 'Vary', 'Accept', 'Content-Length', '0'];
  response.writeHead(status, headers);
  response.end();
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
  else request.onRefused?.(request, error.code, status ?? error.status, error.message);
  respond(request, response, status ?? error.status, PROBLEM_TYPE, body, ...headers, ...extra);
}

/** The headers that an error brings along. */
export function problemHeaders(error: ToolError): string[] {
  const seconds = retryAfterSeconds(error);
  if (seconds !== undefined) return ['Retry-After', String(seconds)];
  if (isCodingRefusal(error)) return ['Accept-Encoding', 'gzip'];
  return error.code === 'unauthenticated' ? ['WWW-Authenticate', 'Bearer realm="mcp-streaming-gateway"'] : [];
}

/** Answers a request with what was thrown while it was handled. */
export type Refuse = (thrown: unknown, request: GatewayRequest, response: GatewayResponse) => void;

/** @param log told of what is a defect of ours. */
export const refuseThrown =
  (log: TransportLog): Refuse =>
  (thrown, request, response) => {
    const error =
      thrown instanceof URIError
        ? new ToolError('invalid_request', 'the path is not valid percent-encoding')
        : ToolError.from(thrown, 'internal', 'the gateway failed to handle the request');
    if (error.code === 'internal') log('error', error.message, { requestId: request.requestId, error });
    if (response.headersSent) response.destroy();
    else respondProblem(request, response, error);
  };
