/**
 * Arguments as one text, the same for all that are equal as JSON, whatever the order of their keys.
 */

/** As deep as what clients may send; a call from code may hold more, or itself. */
const MOST_DEEP = 64;

/** @returns null for what is no JSON, such as a Date in a call from code. */
export function canonicalText(value: unknown, depth = 0): string | null {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'boolean':
      return String(value);
    case 'number':
      if (!Number.isFinite(value)) return null;
      return Object.is(value, -0) ? '-0' : String(value);
    case 'object':
      if (value === null) return 'null';
      return depth > MOST_DEEP ? null : canonicalMembers(value, depth + 1);
    default:
      return null;
  }
}

function canonicalMembers(value: object, depth: number): string | null {
  if (Array.isArray(value))
    return together(
      '[',
      value.map((item) => canonicalText(item, depth)),
      ']',
    );
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return null;
  const members = Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, item]) => {
      const text = canonicalText(item, depth);
      return text === null ? null : `${JSON.stringify(key)}:${text}`;
    });
  return together('{', members, '}');
}

const together = (open: string, texts: readonly (string | null)[], close: string): string | null =>
  texts.includes(null) ? null : `${open}${texts.join(',')}${close}`;
