/**
 * How a call's error is told over gRPC: the status of its RPC, and google.rpc.Status in its details.
 *
 * S1. One table: a code that it lacks does not compile.
 * S2. UNAVAILABLE is what clients' retry policies send again by themselves: what no tool has begun, or a tool calls
 *     unavailable itself. A thread that died under its call is never that, nor what the gateway's own end has cut off.
 * S3. Clients refuse metadata above 8 KiB: what is told fits well below, and details that do not are left out.
 */
import type { ErrorCode } from '../../call/error-code.ts';
import type { ToolError } from '../../call/tool-error.ts';
import { detailsOf } from '../rendering/error-rendering.ts';
import { MessageWriter } from './protobuf.ts';

/** The canonical codes of gRPC. */
export const OK = 0;
const CANCELLED = 1;
const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const FAILED_PRECONDITION = 9;
export const ABORTED = 10;
const OUT_OF_RANGE = 11;
export const UNIMPLEMENTED = 12;
const INTERNAL = 13;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

export const STATUS_OF: Readonly<Record<ErrorCode, number>> = {
  parse_error: INVALID_ARGUMENT,
  invalid_request: INVALID_ARGUMENT,
  too_complex: INVALID_ARGUMENT,
  invalid_arguments: INVALID_ARGUMENT,
  unauthenticated: UNAUTHENTICATED,
  permission_denied: PERMISSION_DENIED,
  tool_not_found: NOT_FOUND,
  call_not_found: NOT_FOUND,
  not_found: NOT_FOUND,
  method_not_allowed: UNIMPLEMENTED,
  not_acceptable: UNIMPLEMENTED,
  payload_too_large: RESOURCE_EXHAUSTED,
  unsupported_media_type: UNIMPLEMENTED,
  conflict: ABORTED,
  failed_precondition: FAILED_PRECONDITION,
  duplicate_id: ALREADY_EXISTS,
  rate_limited: RESOURCE_EXHAUSTED,
  gone: OUT_OF_RANGE,
  idempotency_mismatch: ALREADY_EXISTS,
  cancelled: CANCELLED,
  slow_consumer: ABORTED,
  overloaded: UNAVAILABLE,
  unavailable: UNAVAILABLE,
  deadline_exceeded: DEADLINE_EXCEEDED,
  tool_failed: INTERNAL,
  result_not_serializable: INTERNAL,
  result_too_large: RESOURCE_EXHAUSTED,
  worker_crashed: INTERNAL,
  worker_out_of_memory: INTERNAL,
  internal: INTERNAL,
};

const MAX_MESSAGE_BYTES = 1024;
const MAX_DETAILS_BYTES = 2048;
const DOMAIN = 'mcp-streaming-gateway';
const TYPE = 'type.googleapis.com/';

/** mcp.gateway.v1.Error. @param isWhole false: where it has to be short. */
export function errorMessage(error: ToolError, callId: string | undefined, isWhole = true): MessageWriter {
  const details = detailsOf(error);
  const text = details === undefined ? '' : JSON.stringify(details);
  const fits = isWhole || Buffer.byteLength(text) <= MAX_DETAILS_BYTES;
  return new MessageWriter()
    .text(1, error.code)
    .text(2, isWhole ? error.message : shortened(error.message))
    .number(3, error.status)
    .number(4, error.retryable ? 1 : 0)
    .text(5, callId)
    .text(6, fits ? text : '')
    .number(7, error.retryAfterMs ?? 0);
}

/** What ends an RPC with an error. @param status where it is not that of the error's code. */
export function errorTrailers(
  error: ToolError,
  callId?: string,
  status = STATUS_OF[error.code],
): Record<string, string> {
  const message = shortened(error.message);
  const details = new MessageWriter()
    .number(1, status)
    .text(2, message)
    .message(3, any('mcp.gateway.v1.Error', errorMessage(error, callId, false)))
    .message(3, any('google.rpc.ErrorInfo', errorInfo(error)));
  if (error.retryAfterMs !== undefined)
    details.message(3, any('google.rpc.RetryInfo', retryInfo(error.retryAfterMs)));
  return {
    'grpc-status': String(status),
    'grpc-message': percentEncoded(message),
    'grpc-status-details-bin': details.finish().toString('base64').replace(/=+$/, ''),
  };
}

const any = (type: string, message: MessageWriter): MessageWriter =>
  new MessageWriter().text(1, TYPE + type).message(2, message);

const errorInfo = ({ code }: ToolError): MessageWriter =>
  new MessageWriter().text(1, code.toUpperCase()).text(2, DOMAIN);

/** A google.protobuf.Duration: seconds and nanoseconds. */
const retryInfo = (ms: number): MessageWriter =>
  new MessageWriter().message(
    1,
    new MessageWriter().number(1, Math.floor(ms / 1000)).number(2, Math.round(ms % 1000) * 1_000_000),
  );

/** At most so long in bytes, cut between characters. */
function shortened(text: string): string {
  if (Buffer.byteLength(text) <= MAX_MESSAGE_BYTES) return text;
  const cut = Buffer.from(text)
    .subarray(0, MAX_MESSAGE_BYTES - 3)
    .toString();
  return `${cut.replace(/\ufffd+$/, '')}…`;
}

/** As grpc-message wants it: UTF-8, with a percent sign for all but printable ASCII. */
const percentEncoded = (text: string): string =>
  text.replace(/[^\x20-\x24\x26-\x7e]+/g, (run) =>
    [...Buffer.from(run)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
