/**
 * Parts of JSON text as they were written, found without making values of them: what passes through is pasted, so that
 * numbers, escapes and the order of members stay what the server wrote.
 *
 * S1. The text has been parsed before: it is known to be JSON.
 * S2. Linear in the length of the text.
 */

/** Where a value that begins at `at` ends. */
function valueEnd(text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === QUOTE) return stringEnd(text, at);
  if (first !== BRACE && first !== BRACKET) {
    SCALAR_END.lastIndex = at;
    return SCALAR_END.exec(text)?.index ?? text.length;
  }
  let depth = 0;
  STRUCTURE.lastIndex = at;
  for (let found = STRUCTURE.exec(text); found; found = STRUCTURE.exec(text)) {
    const mark = found[0];
    if (mark === '"') STRUCTURE.lastIndex = stringEnd(text, found.index);
    else if (mark === '{' || mark === '[') depth++;
    else if (--depth === 0) return found.index + 1;
  }
  return text.length;
}

const QUOTE = 34;
const BACKSLASH = 92;
const BRACE = 123;
const BRACKET = 91;
const SCALAR_END = /[\s,\]}]/g;
const STRUCTURE = /["{}[\]]/g;
const SOLID = /[^\s,:]/g;

/** @param at of the opening quote. */
function stringEnd(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end + 1;
  }
  return text.length;
}

/** The next place from `at` on that is no blank, comma or colon. */
function solid(text: string, at: number): number {
  SOLID.lastIndex = at;
  return SOLID.exec(text)?.index ?? text.length;
}

/** The members of an object's text, by name; of two with one name the last, as JSON.parse has it. */
export function membersOf(object: string): Map<string, string> {
  const members = new Map<string, string>();
  let at = solid(object, solid(object, 0) + 1);
  while (at < object.length && object.charCodeAt(at) === QUOTE) {
    const nameEnd = stringEnd(object, at);
    const name = nameIn(object, at, nameEnd);
    const start = solid(object, nameEnd);
    const end = valueEnd(object, start);
    members.set(name, object.slice(start, end));
    at = solid(object, end);
  }
  return members;
}

/** A member of an object's text, without a map of all; undefined where there is none. */
export function memberOf(object: string, wanted: string): string | undefined {
  let found: string | undefined;
  let at = solid(object, solid(object, 0) + 1);
  while (at < object.length && object.charCodeAt(at) === QUOTE) {
    const nameEnd = stringEnd(object, at);
    const start = solid(object, nameEnd);
    const end = valueEnd(object, start);
    if (nameIn(object, at, nameEnd) === wanted) found = object.slice(start, end);
    at = solid(object, end);
  }
  return found;
}

function nameIn(text: string, at: number, end: number): string {
  const plain = text.slice(at + 1, end - 1);
  return plain.includes('\\') ? (JSON.parse(text.slice(at, end)) as string) : plain;
}

/** The elements of an array's text. */
export function elementsOf(array: string): string[] {
  const elements: string[] = [];
  let at = solid(array, solid(array, 0) + 1);
  while (at < array.length && array[at] !== ']') {
    const end = valueEnd(array, at);
    elements.push(array.slice(at, end));
    at = solid(array, end);
  }
  return elements;
}

/** The text of an object with these members. */
export function objectText(members: Iterable<readonly [string, string]>): string {
  return `{${[...members].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
}
