/**
 * What a tool returned or yielded, as JSON text within its cap, and the shape that decides how MCP presents it.
 *
 * R1. What decides is the text, not the value: a Date is a string there, and an object with a `toJSON` may be anything.
 * R2. What is presented as an MCP result holds the members of one and no others, all of their types (mcp-content.ts).
 */

import type { ResultShape } from '../lib/call/call-events.ts';
import { ToolError } from '../lib/call/tool-error.ts';
import { isBranded } from '../lib/tool/brand.ts';
import { parse, setPrototypeOf, startsWith } from './intrinsics/captured.ts';
import { exceedsAsJson } from './json-size.ts';
import { exceedsBytes, toJson, toJsonWithHalves } from './json-text.ts';
import { type Misfit, takeResult, takeWholeResult } from './mcp-content.ts';

/** @throws {ToolError} `result_not_serializable` or `result_too_large`, naming `what`. */
export function resultText(value: unknown, maxBytes: number, what = 'the result'): string {
  const text = exceedsAsJson(value, maxBytes)
    ? null
    : toJson(value === undefined ? null : value, what, maxBytes);
  if (text !== null && !exceedsBytes(text, maxBytes)) return text;
  throw new ToolError(
    'result_too_large',
    `${what} is larger than ${maxBytes} bytes (MAX_RESULT_BYTES); yield it in chunks or ask for less`,
  );
}

/**
 * Of a chunk; halves of surrogate pairs are still in it.
 * @param mayBeLarge whether it is worth measuring first.
 * @returns null for a chunk that is larger than `maxBytes` in any case.
 * @throws {ToolError} `result_not_serializable`.
 */
export function chunkText(
  value: unknown,
  index: number,
  maxBytes: number,
  mayBeLarge: boolean,
): string | null {
  if (mayBeLarge && exceedsAsJson(value, maxBytes)) return null;
  return toJsonWithHalves(value, 'chunk', maxBytes, index);
}

/** A result as text, and how MCP presents it. */
export interface Presented {
  readonly data: string;
  readonly shape: ResultShape;
}

type Fields = { [name: string]: unknown };

/**
 * @param value what `text` was made of.
 * @param isDeclared whether the tool has an output schema: its objects are data then, whatever they look like.
 * @throws {ToolError} `tool_failed` where `content()` made what is no MCP content.
 */
export function presented(value: unknown, text: string, isDeclared: boolean): Presented {
  if (isBranded('content', value)) {
    const taken: Fields = {};
    const misfit = takeResult(parse(text) as Fields, taken);
    if (misfit) throw unfit('the content that the tool made', misfit);
    return { data: written(taken), shape: 'content' };
  }
  if (text[0] !== '{') return { data: text, shape: 'other' };
  if (!isDeclared && mayBeResult(text)) {
    const taken: Fields = {};
    if (takeWholeResult(parse(text) as Fields, taken)) return { data: written(taken), shape: 'content' };
  }
  return { data: text, shape: 'object' };
}

/** How such an object begins, by the first letter of its first member: most objects begin with another. */
const BEGINNINGS: Readonly<Record<string, string>> = {
  c: '{"content":[',
  s: '{"structuredContent":{',
  i: '{"isError":',
  _: '{"_meta":{',
  r: '{"resultType":"',
};
setPrototypeOf(BEGINNINGS, null);

function mayBeResult(text: string): boolean {
  const beginning = BEGINNINGS[text[2] as string];
  return beginning !== undefined && startsWith(text, beginning);
}

/** What is in one of MCP's other shapes. @throws {ToolError} `tool_failed` for a misfit that `look` finds. */
export function presentedAs(text: string, look: (value: Fields) => Misfit | null): Presented {
  const value = parse(text) as Fields;
  const misfit = look(value);
  if (misfit) throw unfit('the answer', misfit);
  return { data: written(value), shape: 'object' };
}

/** Plain data that was text before, within its cap. */
const written = (value: Fields): string => toJson(value, 'the result', Number.POSITIVE_INFINITY) ?? '';

/** @param what names the whole of which something is no MCP content. */
const unfit = (what: string, { at, why }: Misfit): ToolError =>
  new ToolError('tool_failed', `${what} is not what MCP has: ${at}: ${why}`, {
    details: { at, why },
  });
