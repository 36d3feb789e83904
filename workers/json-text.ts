/**
 * Values of a tool as JSON text, made in the thread, so that what cannot be serialised fails its own call only.
 *
 * T1. Halves of a surrogate pair that stand alone leave as U+FFFD: JSON would carry them, and many clients refuse the
 *     whole message for one.
 */
import { ToolError } from '../lib/call/tool-error.ts';
import { NO_ROOM, writing } from './binary-json.ts';
import { byteLength, indexOf, NativeError, slice, stringify } from './intrinsics/captured.ts';
import { keepFaithful } from './intrinsics/faithful-text.ts';
import { exceedsAsJson } from './json-size.ts';

/** What free-form data may hold: the details of an error, the data of a log record, a question. */
export const MAX_FREE_BYTES = 1024 * 1024;

/**
 * @param maxBytes what binary values in it may take.
 * @param index counts chunks; beside `what` rather than in it, since a text per chunk costs as much as the rest here.
 * @returns null where they take more. What else there is has no bound here.
 * @throws {ToolError} `result_not_serializable` naming `what` for a function, a symbol, a BigInt or a cycle.
 */
export function toJson(value: unknown, what: string, maxBytes: number, index?: number): string | null {
  const json = toJsonWithHalves(value, what, maxBytes, index);
  return json === null ? null : withoutHalves(json);
}

/** As `toJson`, for whoever looks for halves in many texts at once, which costs less than in each (T1). */
export function toJsonWithHalves(
  value: unknown,
  what: string,
  maxBytes: number,
  index?: number,
): string | null {
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

/** JSON.stringify writes a half that stands alone as an escape, and no other character as one that begins so (T1). */
const HALF = '\\ud';

/** One or more JSON texts in the form that clients take (T1). */
export function withoutHalves(json: string): string {
  let at = indexOf(json, HALF);
  if (at < 0) return json;
  let text = '';
  let from = 0;
  for (; at >= 0; at = indexOf(json, HALF, at + HALF.length)) {
    if (isEscaped(json, at)) continue;
    text += `${slice(json, from, at)}\ufffd`;
    from = at + '\\udXXX'.length;
  }
  return text + slice(json, from);
}

/** Whether the backslash at `at` is one that the text itself has. */
function isEscaped(json: string, at: number): boolean {
  let before = at;
  while (before > 0 && json[before - 1] === '\\') before--;
  return (at - before) % 2 === 1;
}

/** Free-form data as JSON text; undefined where it is none, null where it is longer than `maxBytes`. */
export function freeText(value: unknown, maxBytes = MAX_FREE_BYTES): string | null | undefined {
  if (value === undefined) return undefined;
  if (exceedsAsJson(value, maxBytes)) return null;
  try {
    keepFaithful();
    const json = writing(maxBytes, stringify, value);
    if (json === undefined) return undefined;
    return exceedsBytes(json, maxBytes) ? null : withoutHalves(json);
  } catch (error) {
    return error === NO_ROOM ? null : undefined;
  }
}

/** Whether the UTF-8 form of `text` exceeds `bytes`; counts only where the length leaves a doubt. */
export function exceedsBytes(text: string, bytes: number): boolean {
  return text.length * 3 > bytes && (text.length > bytes || byteLength(text) > bytes);
}
