/**
 * Values against JSON: whether one is what its JSON says, and values that JSON has no word for in the form that schemas
 * promise for them.
 */
import { hasOwn, isArray, isFiniteNumber, keys } from './intrinsics/captured.ts';

/** Deeper than any sound value; a cycle gets there at once. */
const MAX_DEPTH = 500;

const { getPrototypeOf } = Object;
const { prototype: objects } = Object;
const { prototype: arrays } = Array;
const { isSafeInteger } = Number;

/** Whether writing the value as JSON and reading that gives the same again. */
export function isJson(value: unknown, depth = 0): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return isFiniteNumber(value);
    case 'object':
      return value === null || (depth < MAX_DEPTH && isPlain(value, depth));
    default:
      return false;
  }
}

function isPlain(value: object, depth: number): boolean {
  if ('toJSON' in value) return false;
  const prototype: unknown = getPrototypeOf(value);
  if (isArray(value)) {
    if (prototype !== arrays) return false;
    for (let at = 0; at < value.length; at++) if (!isJson(value[at], depth + 1)) return false;
    return true;
  }
  if (prototype !== objects && prototype !== null) return false;
  const names = keys(value);
  for (let at = 0; at < names.length; at++)
    if (!isJson((value as Readonly<Record<string, unknown>>)[names[at] as string], depth + 1)) return false;
  return true;
}

/**
 * The value with each BigInt as a number, or as text where no number says it exactly; each Set as an array; each Map
 * as an object. Only what plain objects and arrays hold is looked at.
 */
export function inJsonForm(value: unknown, depth = 0): unknown {
  if (typeof value === 'bigint') return isSafeInteger(Number(value)) ? Number(value) : `${value}`;
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value;
  if (value instanceof Set) return inJsonForm([...value], depth);
  if (value instanceof Map) return inJsonForm(Object.fromEntries(value), depth);
  if (isArray(value)) return value.map((item) => inJsonForm(item, depth + 1));
  const prototype: unknown = getPrototypeOf(value);
  if ((prototype !== objects && prototype !== null) || hasOwn(value, 'toJSON')) return value;
  const members = Object.entries(value).map(
    ([name, member]) => [name, inJsonForm(member, depth + 1)] as const,
  );
  return Object.fromEntries(members);
}
