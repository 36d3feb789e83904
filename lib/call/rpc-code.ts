/**
 * The gateway's errors as MCP has them: which are JSON-RPC errors, and by what code.
 *
 * R1. A tool's own failure is an `isError` result, so that the model sees it; what the gateway refuses, and what is wrong
 *     with the request itself, is a JSON-RPC error.
 * R2. A refusal that HTTP has a status for has code 1000 + status, outside the range the protocol keeps for itself.
 */
import type { CallKind } from './catalog.ts';
import type { ErrorCode } from './error-code.ts';

export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
export const INVALID_PARAMS = -32602;
export const INTERNAL_ERROR = -32603;

/** The codes of JSON-RPC itself. */
export const JSON_RPC_CODES: Partial<Record<ErrorCode, number>> = {
  parse_error: PARSE_ERROR,
  invalid_request: INVALID_REQUEST,
  too_complex: INVALID_REQUEST,
  duplicate_id: INVALID_REQUEST,
  tool_not_found: INVALID_PARAMS,
  internal: INTERNAL_ERROR,
};

/** Refusals that are JSON-RPC errors when the call has not started, though a tool that throws them gets `isError`. */
const REFUSALS = new Set<ErrorCode>([
  'unauthenticated',
  'permission_denied',
  'rate_limited',
  'overloaded',
  'unavailable',
]);

/** Whether a failed tools/call is a JSON-RPC error. @param hasRun whether the call had reached its tool. */
export const isRpcError = (code: ErrorCode, hasRun: boolean): boolean =>
  JSON_RPC_CODES[code] !== undefined || (REFUSALS.has(code) && !hasRun);

/** The JSON-RPC code that a call fails with; null where its failure is an `isError` result (R1). */
export function rpcCodeOf(
  { code, status }: { readonly code: ErrorCode; readonly status: number },
  kind: CallKind,
  hasRun: boolean,
): number | null {
  if (kind === 'tool' && !isRpcError(code, hasRun)) return null;
  return JSON_RPC_CODES[code] ?? 1000 + status;
}

/**
 * What went wrong, as `error.type` of OpenTelemetry's conventions has it.
 * @param rpcCode null: the client gets an `isError` result; undefined: it speaks no JSON-RPC.
 */
export function errorTypeOf(code: string, rpcCode: number | null | undefined): string {
  if (rpcCode === undefined || code === 'cancelled') return code;
  return rpcCode === null ? 'tool_error' : String(rpcCode);
}
