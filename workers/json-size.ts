/**
 * How long a value's JSON text is at least, told without making it: a value that is far too large costs neither the
 * time nor the heap of its text.
 *
 * S1. Never more than the text will have, so what is refused here would have been refused.
 * S2. Ends at the bound: a list that names the same object a million times is not walked to its end.
 * S3. Where it cannot tell (a cycle, a getter that throws), it says that the value may fit; writing it tells what is wrong.
 */
import { base64Length } from './binary-json.ts';

/** Deeper than any sound value; a cycle gets there at once. */
const MAX_DEPTH = 500;

const { isArray } = Array;
const { isView } = ArrayBuffer;
const { keys } = Object;

/** Bytes that are left of the bound. */
let left = 0;

/** Whether the JSON text of `value` is sure to be longer than `bytes`. */
export function exceedsAsJson(value: unknown, bytes: number): boolean {
  left = bytes;
  try {
    return !fits(value, 0);
  } catch {
    return false;
  }
}

function fits(value: unknown, depth: number): boolean {
  if (typeof value === 'string') left -= value.length + 2;
  else if (typeof value !== 'object' || value === null) left -= 1;
  else if (depth > MAX_DEPTH) throw new RangeError('too deep to tell');
  else if (isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer)
    left -= base64Length(value.byteLength);
  else if (typeof (value as { toJSON?: unknown }).toJSON === 'function') left -= 1;
  else return isArray(value) ? listFits(value, depth) : membersFit(value as Record<string, unknown>, depth);
  return left >= 0;
}

function listFits(list: readonly unknown[], depth: number): boolean {
  left -= list.length + 1;
  // Each element has a character at least: a list may be long and have no elements at all.
  if (left < list.length) return false;
  for (let at = 0; at < list.length; at++) if (!fits(list[at], depth + 1)) return false;
  return true;
}

function membersFit(object: Readonly<Record<string, unknown>>, depth: number): boolean {
  left -= 2;
  const names = keys(object);
  for (let at = 0; at < names.length; at++) {
    const key = names[at] as string;
    const value = object[key];
    if (value === undefined || typeof value === 'function' || typeof value === 'symbol') continue;
    left -= key.length + 3;
    if (!fits(value, depth + 1)) return false;
  }
  return left >= 0;
}
