/**
 * Values of a tool as JSON text, made in the thread, so that what cannot be serialised fails its own call only.
 */
import { ToolError } from '../lib/call/tool-error.ts';
import { NO_ROOM, writing } from './binary-json.ts';
import { byteLength, indexOf, NativeError, parse, slice, stringify } from './intrinsics/captured.ts';
import { keepFaithful } from './intrinsics/faithful-text.ts';

/** What free-form data may hold: a log record, the details of an error. */
const MAX_PLAIN_BYTES = 1024 * 1024;

/**
 * @param maxBytes what binary values in it may take.
 * @param index counts chunks; beside `what` rather than in it, since a text per chunk costs as much as the rest here.
 * @returns null where they take more. What else there is has no bound here.
 * @throws {ToolError} `result_not_serializable` naming `what` for a function, a symbol, a BigInt or a cycle.
 */
export function toJson(value: unknown, what: string, maxBytes: number, index?: number): string | null {
  let json: string | undefined;
  keepFaithful();
  try {
    json = writing(maxBytes, stringify, value);
  } catch (error) {
    if (error === NO_ROOM) return null;
    throw notJson(what, index, reasonOf(error), error);
  }
  if (json === undefined) throw notJson(what, index, kindOf(value));
  return json;
}

/** Why a value has no JSON text. */
function kindOf(value: unknown): string {
  if (value === undefined) return 'it is undefined';
  return typeof value === 'object' ? 'its toJSON() gives no value' : `it is a ${typeof value}`;
}

function notJson(what: string, index: number | undefined, reason: string, cause?: unknown): ToolError {
  const named = index === undefined ? what : `${what} ${index}`;
  return new ToolError('result_not_serializable', `${named} is not JSON: ${reason}`, { cause });
}

/** V8 draws a cycle over several lines; the first says it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof NativeError)) return 'it throws when serialised';
  const end = indexOf(error.message, '\n');
  return end < 0 ? error.message : slice(error.message, 0, end);
}

/** A plain copy of free-form data that can cross the port, or undefined where there is none. */
export function toPlain(value: unknown): unknown {
  if (value === undefined) return undefined;
  try {
    keepFaithful();
    const json = writing(MAX_PLAIN_BYTES, stringify, value);
    return json === undefined ? undefined : parse(json);
  } catch {
    return undefined;
  }
}

/** Whether the UTF-8 form of `text` exceeds `bytes`; counts only where the length leaves a doubt. */
export function exceedsBytes(text: string, bytes: number): boolean {
  return text.length * 3 > bytes && (text.length > bytes || byteLength(text) > bytes);
}
