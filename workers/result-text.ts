/**
 * What a tool returned, as JSON text within its cap, and the shape that decides how MCP presents it.
 */

import type { ResultShape } from '../lib/call/call-events.ts';
import { ToolError } from '../lib/call/tool-error.ts';
import { isToolContent } from '../lib/tool/content.ts';
import { isArray } from './intrinsics/captured.ts';
import { exceedsBytes, toJson } from './json-text.ts';

/** @throws {ToolError} `result_not_serializable` or `result_too_large`. */
export function resultText(value: unknown, maxBytes: number): string {
  const text = toJson(value === undefined ? null : value, 'the result');
  if (!exceedsBytes(text, maxBytes)) return text;
  throw new ToolError(
    'result_too_large',
    `the result is larger than ${maxBytes} bytes (MAX_RESULT_BYTES); yield it in chunks or ask for less`,
  );
}

export function shapeOf(value: unknown): ResultShape {
  if (isToolContent(value)) return 'content';
  return typeof value === 'object' && value !== null && !isArray(value) ? 'object' : 'other';
}
