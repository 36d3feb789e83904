/**
 * Parses a client's JSON within bounds: UTF-8 only, at most 64 levels, 10 000 elements and keys, no `__proto__`.
 *
 * J1. The text is scanned before it is parsed: values nested some thousand levels deep parse, but make
 *     JSON.stringify, structuredClone and postMessage throw.
 * J2. A text with too few brackets and characters to break a bound is not scanned at all; that is nearly every call.
 */
import { isUtf8 } from 'node:buffer';
import { ToolError } from '../../call/tool-error.ts';

const MAX_DEPTH = 64;
const MAX_ELEMENTS = 10_000;

/** @throws {ToolError} parse_error for empty, malformed or wrongly encoded JSON; too_complex beyond a bound. */
export function parseJsonBytes(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new ToolError('parse_error', 'this is not valid UTF-8');
  const hasMark = bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return parseJsonText(bytes.toString('utf8', hasMark ? 3 : 0));
}

/** @throws {ToolError} parse_error for empty or malformed JSON; too_complex beyond a bound. */
export function parseJsonText(text: string): unknown {
  if (mayBreakBounds(text)) checkComplexity(text);
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (text.trim() === '') throw new ToolError('parse_error', 'there is nothing here; send a JSON object');
    const position = /at position (\d+)/.exec(String(thrown))?.[1];
    throw new ToolError(
      'parse_error',
      `this is not valid JSON${position ? ` (at character ${position})` : ''}`,
    );
  }
}

/** An element takes two characters at least: a comma or a bracket, and a value or another bracket. */
function mayBreakBounds(text: string): boolean {
  return (
    text.length > 2 * MAX_ELEMENTS ||
    hasMore(text, '{', MAX_DEPTH / 2) ||
    hasMore(text, '[', MAX_DEPTH / 2) ||
    /__proto__|\\u/.test(text)
  );
}

function hasMore(text: string, character: string, most: number): boolean {
  let at = -1;
  for (let count = 0; count <= most; count++) {
    at = text.indexOf(character, at + 1);
    if (at < 0) return false;
  }
  return true;
}

/** Scans text that may be malformed; whatever it makes of that, the parser refuses it afterwards. */
function checkComplexity(text: string): void {
  let depth = 0;
  let elements = 0;
  let isContainerStart = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= 0x20) continue;
    const isCloser = code === 0x5d || code === 0x7d;
    if (isContainerStart && !isCloser) elements++;
    isContainerStart = false;
    if (code === 0x22) {
      const end = stringEnd(text, at);
      if (isProtoKey(text, at, end))
        throw new ToolError('too_complex', 'the key "__proto__" is not accepted');
      at = end;
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > MAX_DEPTH)
        throw new ToolError('too_complex', `the JSON is nested deeper than ${MAX_DEPTH} levels`);
      isContainerStart = true;
    } else if (isCloser) depth--;
    else if (code === 0x2c) elements++;
    if (elements > MAX_ELEMENTS) {
      throw new ToolError('too_complex', `the JSON has more than ${MAX_ELEMENTS} elements and keys`);
    }
  }
}

/** Index of the quote that closes the string opened at `start`; the end of the text when none does. */
function stringEnd(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return text.length;
}

/** True for a string that spells `__proto__`, escaped or not, and is followed by a colon. */
function isProtoKey(text: string, start: number, end: number): boolean {
  const length = end - start - 1;
  if (length < 9 || length > 54) return false;
  const raw = text.slice(start + 1, end);
  if (raw !== '__proto__' && !(raw.includes('\\u') && unescaped(raw) === '__proto__')) return false;
  return /^\s*:/.test(text.slice(end + 1));
}

const unescaped = (raw: string): string =>
  raw.replace(/\\u([0-9a-fA-F]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
