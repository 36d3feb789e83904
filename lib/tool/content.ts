/**
 * MCP content blocks that a tool makes itself, passed to MCP clients as they are.
 */
import { brand } from './brand.ts';

/** An MCP content block: text, image, audio, resource, resource_link. Bytes (`data`, `blob`) as such or as base64 text. */
export interface ContentBlock {
  readonly type: string;
  readonly [key: string]: unknown;
}

export interface ToolContent {
  readonly content: readonly ContentBlock[];
  readonly structuredContent?: Readonly<Record<string, unknown>>;
  /** True when the blocks describe a failure that the model should see. */
  readonly isError?: boolean;
}

/**
 * Marks a returned value as ready-made MCP content. Transports other than MCP send it as plain JSON. Blocks that MCP
 * does not have, and structured content that does not fit the tool's output schema, fail the call.
 * @example return content([{ type: 'image', data: bytes, mimeType: 'image/png' }]);
 */
export function content(
  blocks: readonly ContentBlock[],
  more: { readonly structuredContent?: Readonly<Record<string, unknown>>; readonly isError?: boolean } = {},
): ToolContent {
  return brand('content', { content: blocks, ...more });
}
