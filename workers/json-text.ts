/**
 * Values of a tool as JSON text, made in the thread, so that what cannot be serialised fails its own call only.
 */
import { ToolError } from '../lib/protocol/tool-error.ts';

/** @throws {ToolError} `result_not_serializable` naming `what` for a function, a symbol, a BigInt or a cycle. */
export function toJson(value: unknown, what: string): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    throw new ToolError('result_not_serializable', `${what} is not JSON: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  if (json === undefined)
    throw new ToolError('result_not_serializable', `${what} is not JSON: it is a ${typeof value}`);
  return json;
}

/** V8 draws a cycle over several lines; the first says it. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'it throws when serialised';
}

/** A plain copy of free-form data that can cross the port, or undefined where there is none. */
export function toPlain(value: unknown): unknown {
  if (value === undefined) return undefined;
  try {
    const json = JSON.stringify(value);
    return json === undefined ? undefined : JSON.parse(json);
  } catch {
    return undefined;
  }
}
