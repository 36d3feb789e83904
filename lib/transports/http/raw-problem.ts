/**
 * Problem documents for sockets that have no response object: refused upgrades, and bytes that never became a request.
 */
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { ToolError } from '../../call/tool-error.ts';
import { renderProblem } from '../rendering/error-rendering.ts';
import type { GatewayRequest } from './gateway-message.ts';
import { requestIdFor } from './request-id.ts';
import { commonHeaders, PROBLEM_TYPE, problemHeaders } from './response.ts';

/** Answers with a status, headers (names and values in turn) and a problem document, and ends the connection. */
function writeProblem(socket: Socket, status: number, headers: readonly string[], problem: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const all = [
    ...headers,
    'Content-Type',
    PROBLEM_TYPE,
    'Content-Length',
    String(Buffer.byteLength(problem)),
  ];
  all.push('Connection', 'close');
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n`;
  for (let at = 0; at < all.length; at += 2) text += `${all[at]}: ${all[at + 1]}\r\n`;
  socket.once('finish', () => socket.destroy());
  socket.end(`${text}\r\n${problem}`);
}

/** In place of what the error says itself. */
interface OtherAnswer {
  readonly status?: number;
  /** Names and values in turn. */
  readonly headers?: readonly string[];
}

/** Answers an upgrade like a plain request, and ends the connection. */
export function refuseUpgrade(
  request: GatewayRequest,
  socket: Socket,
  error: ToolError,
  { status = error.status, headers = [] }: OtherAnswer = {},
): void {
  const problem = renderProblem(error, { instance: request.pathOnly, requestId: request.requestId, status });
  writeProblem(socket, status, [...commonHeaders(request), ...problemHeaders(error), ...headers], problem);
}

/** Listens to a server's `connect`: answers where Node would hang up without a word. */
export function refuseTunnel(request: GatewayRequest, socket: Socket): void {
  socket.on('error', () => socket.destroy());
  request.requestId = requestIdFor(request.headers['x-request-id']);
  const error = new ToolError('method_not_allowed', 'this is no proxy, and CONNECT is not served');
  refuseUpgrade(request, socket, error, { headers: ['Allow', 'GET, HEAD, POST, DELETE'] });
}

/** The statuses of what Node cannot read as a request; anything else is 400. */
const STATUS_OF: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Listens to a server's `clientError`: answers as any refusal does, unless another answer is under way. */
export function refuseMalformed(thrown: NodeJS.ErrnoException & { reason?: string }, socket: Socket): void {
  const { _httpMessage: underWay } = socket as Socket & { readonly _httpMessage?: ServerResponse };
  if (underWay?.headersSent || thrown.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status = STATUS_OF[thrown.code ?? ''] ?? 400;
  const error = new ToolError(
    'invalid_request',
    `this is no HTTP request: ${thrown.reason ?? STATUS_CODES[status]}`,
  );
  const requestId = requestIdFor(undefined);
  const problem = renderProblem(error, { instance: '', requestId, status });
  writeProblem(socket, status, ['X-Request-Id', requestId, 'X-Content-Type-Options', 'nosniff'], problem);
}
