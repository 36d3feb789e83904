/**
 * What a call's caller learns of a failure in its tool: a ToolError of an allowed code as it is, anything else as
 * `tool_failed` with its story in the cause, for the gateway's log only.
 *
 * What was thrown is the tool's: a proxy, a getter that throws, a symbol for a message. It is read once, here, and
 * copied as plain data that is sure to cross the port.
 */
import { OwnSet } from '../lib/async/own-collections.ts';
import { type ErrorCode, TOOL_THROWABLE_CODES } from '../lib/call/error-code.ts';
import { describeThrown, ToolError } from '../lib/call/tool-error.ts';
import { bounded } from './bounded-text.ts';
import { isFiniteNumber, least, NativeError, parse, toText } from './intrinsics/captured.ts';
import { UnfaithfulText } from './intrinsics/faithful-text.ts';
import { wasTooMuch } from './intrinsics/many-steps.ts';
import { freeText, MAX_FREE_BYTES } from './json-text.ts';
import type { SchemaIssue } from './loading/schema.ts';

/** Codes that end a call as they are: those a tool may throw, and those made here on its behalf. */
const PASSED_CODES: ReadonlySet<ErrorCode> = new OwnSet<ErrorCode>([
  ...TOOL_THROWABLE_CODES,
  'tool_not_found',
  'result_not_serializable',
  'result_too_large',
]);

/**
 * Never throws, whatever was thrown.
 * @param maxResultBytes bounds the details too, where it is less than what free-form data may hold.
 */
export function toCallError(thrown: unknown, tool: string, maxResultBytes: number): ToolError {
  if (UnfaithfulText.isOne(thrown) || wasTooMuch(thrown)) return thrown;
  try {
    if (ToolError.is(thrown)) return plainCopy(thrown, least(maxResultBytes, MAX_FREE_BYTES));
  } catch {
    // It only looks like a ToolError: told like anything else below.
  }
  return new ToolError('tool_failed', `the tool "${tool}" failed; the gateway's log has the cause`, {
    cause: describeThrown(thrown),
  });
}

function plainCopy(thrown: ToolError, maxDetailBytes: number): ToolError {
  const { code, retryable, retryAfterMs, cause } = thrown;
  const message = bounded(toText(thrown.message));
  const text = freeText(thrown.details, maxDetailBytes);
  const details = text === null ? leftOut(maxDetailBytes) : text === undefined ? undefined : parse(text);
  const free = details === undefined ? {} : { details };
  if (!PASSED_CODES.has(code))
    return new ToolError('tool_failed', message, { ...free, cause: describeThrown(thrown) });
  return new ToolError(code, message, {
    ...free,
    retryable: retryable === true,
    ...(typeof retryAfterMs === 'number' && isFiniteNumber(retryAfterMs) ? { retryAfterMs } : {}),
    ...(cause === undefined ? {} : { cause: describeThrown(cause) }),
  });
}

/** What stands for details that are too large. */
const leftOut = (bytes: number) => ({ omitted: true, reason: `the details are larger than ${bytes} bytes` });

/** What kind of thing escaped a call, in a word. */
export function kindOfThrown(thrown: unknown): string {
  try {
    return thrown instanceof NativeError ? bounded(toText(thrown.name)) : typeof thrown;
  } catch {
    return typeof thrown;
  }
}

export function invalidArguments(tool: string, issues: readonly SchemaIssue[]): ToolError {
  const first = issues[0];
  const where = first?.path ? `${first.path}: ` : '';
  const message = `the arguments of "${tool}" do not fit its input schema: ${where}${first?.message ?? ''}`;
  return new ToolError('invalid_arguments', message, { details: { issues } });
}
