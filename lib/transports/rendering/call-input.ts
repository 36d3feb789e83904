/** What a call's body, or its WebSocket message, may say: `arguments`, `timeoutMs`, `result` and `detach`. */
import type { JsonSchema } from '../../call/catalog.ts';
import { ToolError } from '../../call/tool-error.ts';
import { refuseMisplaced } from './misplaced-arguments.ts';

export interface CallInput {
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number | undefined;
  /** How much of its chunks a streamed result repeats; undefined: up to the gateway's usual size. */
  readonly result: 'none' | 'full' | undefined;
  /** How long the call goes on without a reader, in milliseconds; undefined: not at all. */
  readonly detachMs: number | undefined;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What the members of a body mean to the gateway. */
export const BODY_FIELDS: ReadonlySet<string> = new Set(['arguments', 'timeoutMs', 'result', 'detach']);

/**
 * Reads a call from parsed JSON; keys it does not know are ignored.
 * @param schema of the tool's arguments: where there are none, its members must not stand in their place.
 * @param fields what the members mean to the gateway itself.
 * @throws {ToolError} invalid_request, naming the field and what it may be.
 */
export function readCallInput(body: unknown, schema?: JsonSchema, fields = BODY_FIELDS): CallInput {
  if (!isJsonObject(body)) {
    throw new ToolError(
      'invalid_request',
      `the body is ${kindOf(body)}; send a JSON object like {"arguments": {}}`,
    );
  }
  const { arguments: args = {}, timeoutMs, result, detach } = body;
  if (body['arguments'] === undefined && schema) refuseMisplaced(body, schema, fields);
  if (!isJsonObject(args)) {
    throw new ToolError('invalid_request', `"arguments" is ${kindOf(args)}; it must be a JSON object`);
  }
  if (timeoutMs !== undefined && !(Number.isSafeInteger(timeoutMs) && Number(timeoutMs) >= 1)) {
    throw new ToolError(
      'invalid_request',
      `"timeoutMs" is ${quote(timeoutMs)}; it must be a whole number of milliseconds, 1 or more`,
    );
  }
  if (result !== undefined && result !== 'none' && result !== 'full') {
    throw new ToolError('invalid_request', `"result" is ${quote(result)}; it must be "none" or "full"`);
  }
  if (detach !== undefined && !(typeof detach === 'number' && detach >= 0)) {
    throw new ToolError(
      'invalid_request',
      `"detach" is ${quote(detach)}; it must be a number of seconds, 0 or more`,
    );
  }
  const detachMs =
    detach === undefined ? undefined : Math.min(Math.round(detach * 1000), Number.MAX_SAFE_INTEGER);
  return { arguments: args, timeoutMs: timeoutMs as number | undefined, result, detachMs };
}

/**
 * Checks an idempotency key. @param name where it came from.
 * @throws {ToolError} invalid_request.
 */
export function readIdempotencyKey(value: unknown, name: string): string {
  if (typeof value === 'string' && /^[\x21-\x7e]{1,128}$/.test(value)) return value;
  throw new ToolError(
    'invalid_request',
    `${name} is ${quote(value)}; it must be 1 to 128 visible ASCII characters without spaces`,
  );
}

/** A JSON value in a few characters, for a message. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

export interface RepeatLimits {
  readonly repeatBytes: number;
  readonly maxResultBytes: number;
}

/** How many bytes of its chunks the result of a streamed call repeats. */
export function repeatBytesOf({ result }: CallInput, { repeatBytes, maxResultBytes }: RepeatLimits): number {
  if (result === 'none') return 0;
  return result === 'full' ? maxResultBytes : repeatBytes;
}
