/**
 * Names of tools, arguments and values as GraphQL has them. Pure functions.
 *
 * N1. A name without a letter or digit of ASCII has no form here. Two names may have the same: that is for whoever asks.
 * N2. No form begins with two underscores, which GraphQL keeps for itself, and none but those of values has one inside:
 *     a path of forms, joined by underscores, is that of one path alone.
 */

const startsWithDigit = /^\d/;

const capitalized = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** `HTTPGet` → `httpGet`. */
const uncapitalized = (word: string): string =>
  word.replace(/^(?:[A-Z]+(?![a-z])|[A-Z])/, (capitals) => capitals.toLowerCase());

/** `j_echo` → `jEcho`; undefined where there is no form. */
export function fieldName(name: string): string | undefined {
  const [first, ...others] = name.split(/[^A-Za-z0-9]+/).filter(Boolean);
  if (first === undefined) return undefined;
  const camel = uncapitalized(first) + others.map(capitalized).join('');
  return startsWithDigit.test(camel) ? `_${camel}` : camel;
}

/** `in progress` → `IN_PROGRESS`, `-createdAt` → `MINUS_CREATED_AT`; undefined where there is no form. */
export function valueName(value: string): string | undefined {
  const words = value
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean);
  if (words.length === 0) return undefined;
  const constant = `${value.startsWith('-') ? 'MINUS_' : ''}${words.join('_').toUpperCase()}`;
  return startsWithDigit.test(constant) ? `_${constant}` : constant;
}

/** The name of a type that is found at a path of names: of the tool, its argument, the member of that … */
export const typeName = (path: readonly string[]): string => path.map(capitalized).join('_');
