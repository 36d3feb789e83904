/**
 * A JSON-RPC error, and which of the gateway's errors become one.
 *
 * F1. Which errors are one, and their codes, is told in lib/call/rpc-code.ts: traces and metrics name them too.
 * F2. `faultOf` is the one way from a thrown value to a fault: what was not meant to be thrown is a defect of ours,
 *     told as `INTERNAL_ERROR` without a word of what it is, and logged with its stack.
 * F3. Rendered data holds nothing but what a caller may see: no stack, no path, no key.
 */
import {
  INTERNAL_ERROR,
  INVALID_PARAMS,
  INVALID_REQUEST,
  isRpcError,
  JSON_RPC_CODES,
  PARSE_ERROR,
} from '../../call/rpc-code.ts';
import { ToolError } from '../../call/tool-error.ts';
import { problemHeaders } from '../http/response.ts';
import { detailsOf } from '../rendering/error-rendering.ts';
import type { TransportLog } from '../rendering/transport-log.ts';
import { type InvalidMessage, jsonText, type MessageId } from './message.ts';

export { INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR };
export const METHOD_NOT_FOUND = -32601;
/** Resource not found, in the revisions before 2026-07-28. */
export const RESOURCE_NOT_FOUND = -32002;
/** As the protocol's own SDKs have it. */
const SESSION_NOT_FOUND = -32001;
export const HEADER_MISMATCH = -32020;
const MISSING_CAPABILITY = -32021;
export const UNSUPPORTED_VERSION = -32022;

export interface McpFaultOptions {
  readonly data?: unknown;
  readonly status?: number;
  readonly headers?: readonly string[];
}

/** An error that answers a request as JSON-RPC. */
export class McpFault extends Error {
  readonly code: number;
  readonly data: unknown;
  /** Status of the HTTP response, where the request is answered by HTTP and nothing was streamed yet. */
  readonly status: number;

  /** More headers of that response, names and values in turn. */
  readonly headers: readonly string[];

  constructor(code: number, message: string, more: McpFaultOptions = {}) {
    super(message);
    this.code = code;
    this.data = more.data;
    this.status = more.status ?? 200;
    this.headers = more.headers ?? [];
  }
}

/** What is asked for is not there, as far as is known. */
export class NotThereFault extends McpFault {}

/** The fault of what came and is no good message. */
export const malformed = ({ what, reason }: Pick<InvalidMessage, 'what' | 'reason'>): McpFault =>
  new McpFault(what === 'params' ? INVALID_PARAMS : INVALID_REQUEST, reason, { status: 400 });

/** What the log calls a fault: the gateway's own code, else the number of JSON-RPC. */
export function codeOf({ code, data }: McpFault): string {
  const own = typeof data === 'object' && data !== null && 'code' in data ? data.code : undefined;
  return typeof own === 'string' ? own : String(code);
}

export function faultText(id: MessageId | null, fault: McpFault): string {
  const data = fault.data === undefined ? '' : `,"data":${jsonText(fault.data)}`;
  return `{"jsonrpc":"2.0","id":${jsonText(id)},"error":{"code":${fault.code},"message":${jsonText(fault.message)}${data}}}`;
}

/** What a caller may know of an error beside its message. */
export function errorData(error: ToolError): Record<string, unknown> {
  const details = detailsOf(error);
  return {
    code: error.code,
    status: error.status,
    retryable: error.retryable,
    ...(details === undefined ? {} : { details }),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  };
}

/** Statuses that a client's transport acts on; every other refusal is told inside a 200. */
const HTTP_STATUSES = new Set([401, 403, 404, 405, 406, 408, 413, 415, 429, 503]);

/** A refusal by the gateway itself, before or beside any call. */
export function refusalFault(error: ToolError): McpFault {
  const code = JSON_RPC_CODES[error.code];
  const data = errorData(error);
  if (code !== undefined)
    return new McpFault(code, error.message, { data, status: error.status === 400 ? 400 : 200 });
  const status = HTTP_STATUSES.has(error.status) ? error.status : 200;
  return new McpFault(1000 + error.status, error.message, { data, status, headers: problemHeaders(error) });
}

/** The fault of what names a session that is not, or no longer, there. */
export const sessionGone = (reason: string): McpFault =>
  new McpFault(SESSION_NOT_FOUND, `${reason}; initialize again`, { status: 404 });

/** What was done when something was thrown, for the log. */
export interface FaultContext {
  /** The method of the request or notification, where it is known. */
  readonly method?: string | undefined;
  readonly callId?: string | undefined;
  /** Id of the HTTP request. */
  readonly requestId?: string | undefined;
}

/**
 * The fault that answers for a thrown value (F2).
 * @param status of the HTTP response to a defect.
 */
export function faultOf(thrown: unknown, log: TransportLog, context: FaultContext, status = 200): McpFault {
  if (thrown instanceof McpFault) return thrown;
  if (ToolError.is(thrown)) return refusalFault(thrown);
  log('error', 'an MCP request failed by a defect of the gateway', { ...context, error: thrown });
  return new McpFault(INTERNAL_ERROR, 'the request failed', { status });
}

/**
 * The JSON-RPC error of a failed tools/call, or null when the failure is an `isError` result.
 * @param started whether the call had reached its tool.
 */
export function toolCallFault(error: ToolError, started: boolean): McpFault | null {
  return isRpcError(error.code, started) ? refusalFault(error) : null;
}

/** The fault for a request whose client does not declare an extension that it needs. */
export function missingExtensionFault(name: string): McpFault {
  return new McpFault(
    MISSING_CAPABILITY,
    `the client does not declare the extension ${name} in its capabilities`,
    {
      status: 400,
      data: { requiredCapabilities: { extensions: { [name]: {} } } },
    },
  );
}

/**
 * The error of a tool that let the refusal of `ctx.elicit`, `ctx.sample` or `ctx.roots` through: 2026-07-28 has a
 * code of its own for a client that lacks a capability.
 */
export function missingCapabilityFault(error: ToolError): McpFault | null {
  const details = detailsOf(error);
  if (error.code !== 'failed_precondition' || typeof details !== 'object' || details === null) return null;
  if (!('requiredCapabilities' in details)) return null;
  return new McpFault(MISSING_CAPABILITY, error.message, {
    status: 400,
    data: { requiredCapabilities: details.requiredCapabilities },
  });
}
