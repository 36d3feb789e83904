/**
 * What a call's caller learns of a failure in its tool: a ToolError of an allowed code as it is, anything else as
 * `tool_failed` with its story in the cause, for the gateway's log only.
 */
import { type ErrorCode, TOOL_THROWABLE_CODES } from '../lib/protocol/error-code.ts';
import { describeThrown, ToolError, type WireError } from '../lib/protocol/tool-error.ts';
import { toPlain } from './json-text.ts';

/** Codes that end a call as they are: those a tool may throw, and those made here on its behalf. */
const PASSED_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...TOOL_THROWABLE_CODES,
  'tool_not_found',
  'result_not_serializable',
  'result_too_large',
]);

export function toCallError(thrown: unknown, tool: string): ToolError {
  if (!ToolError.is(thrown)) {
    return new ToolError('tool_failed', `the tool "${tool}" failed; the gateway's log has the cause`, {
      cause: describeThrown(thrown),
    });
  }
  if (PASSED_CODES.has(thrown.code)) return thrown;
  return new ToolError('tool_failed', String(thrown.message), { details: thrown.details, cause: thrown });
}

/** The error as data whose details, made by the tool, are sure to cross the port. */
export function toPlainWire(error: ToolError): WireError {
  const { details: _free, ...rest } = ToolError.toWire(error);
  const details = toPlain(error.details);
  return details === undefined ? rest : { ...rest, details };
}
