/**
 * What a tool returned or yielded, as JSON text within its cap, and the shape that decides how MCP presents it.
 */

import type { ResultShape } from '../lib/call/call-events.ts';
import { ToolError } from '../lib/call/tool-error.ts';
import { isToolContent } from '../lib/tool/content.ts';
import { isArray } from './intrinsics/captured.ts';
import { exceedsAsJson } from './json-size.ts';
import { exceedsBytes, toJson } from './json-text.ts';

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
  return toJson(value, 'chunk', maxBytes, index);
}

export function shapeOf(value: unknown): ResultShape {
  if (isToolContent(value)) return 'content';
  return typeof value === 'object' && value !== null && !isArray(value) ? 'object' : 'other';
}
