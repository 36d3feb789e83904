/**
 * Errors as clients see them: a problem document over HTTP, an object inside streams. Pure functions.
 *
 * X1. Status and title come from the table of codes; a new code cannot be forgotten here.
 * X2. Neither stack, cause nor key is rendered: only code, message, details and hints for the retry.
 */
import { ERROR_CODES, type ErrorCode } from '../../call/error-code.ts';
import type { ToolError } from '../../call/tool-error.ts';

export interface ProblemContext {
  /** The path of the request, without its query. */
  readonly instance: string;
  readonly requestId: string;
  readonly callId?: string | undefined;
  /** In place of the code's own, for the one answer (426) that shares its code with another status. */
  readonly status?: number;
}

/** An `application/problem+json` document, as text. */
export function renderProblem(error: ToolError, context: ProblemContext): string {
  return JSON.stringify({
    type: `urn:mcp-streaming-gateway:error:${error.code}`,
    title: ERROR_CODES[error.code].title,
    status: context.status ?? error.status,
    detail: error.message,
    instance: context.instance,
    code: error.code,
    retryable: error.retryable,
    requestId: context.requestId,
    callId: context.callId,
    retryAfterMs: error.retryAfterMs,
    details: detailsOf(error),
  });
}

/** The error object of SSE, NDJSON and WebSocket, as text. */
export function renderErrorObject(error: ToolError, callId?: string): string {
  return JSON.stringify({
    code: error.code,
    message: error.message,
    status: error.status,
    retryable: error.retryable,
    callId,
    details: detailsOf(error),
    retryAfterMs: error.retryAfterMs,
  });
}

/** The status that closes a stream after this error. */
export function closingStatus(code: ErrorCode): 'error' | 'cancelled' | 'timeout' {
  if (code === 'cancelled') return 'cancelled';
  return code === 'deadline_exceeded' ? 'timeout' : 'error';
}

/** Whole seconds for a Retry-After header; undefined where the status has none. */
export function retryAfterSeconds({ status, retryAfterMs = 1000 }: ToolError): number | undefined {
  return status === 429 || status === 503 ? Math.max(1, Math.ceil(retryAfterMs / 1000)) : undefined;
}

/** The details, unless a tool put something there that JSON cannot hold. */
export function detailsOf({ details }: ToolError): unknown {
  try {
    return details === undefined || JSON.stringify(details) === undefined ? undefined : details;
  } catch {
    return undefined;
  }
}
