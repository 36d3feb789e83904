/**
 * MCP content blocks that a tool makes itself, passed to MCP clients as they are.
 */
import { brand, isBranded } from './brand.ts';

/** Any MCP content block: text, image, audio, resource, resource_link. */
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
 * Marks a returned value as ready-made MCP content. Transports other than MCP send it as plain JSON.
 * @example return content([{ type: 'image', data: base64, mimeType: 'image/png' }]);
 */
export function content(
  blocks: readonly ContentBlock[],
  more: { readonly structuredContent?: Readonly<Record<string, unknown>>; readonly isError?: boolean } = {},
): ToolContent {
  return brand('content', { content: blocks, ...more });
}

const { isArray } = Array;

const isBlockType = (type: unknown): boolean =>
  type === 'text' || type === 'image' || type === 'audio' || type === 'resource' || type === 'resource_link';

/** True for what `content()` made, and for a plain object of the same form (`content`: blocks of known types). */
export function isToolContent(value: unknown): boolean {
  if (isBranded('content', value)) return true;
  if (typeof value !== 'object' || value === null || !('content' in value)) return false;
  const blocks = value.content;
  if (!isArray(blocks) || blocks.length === 0) return false;
  for (let at = 0; at < blocks.length; at++) {
    const block: unknown = blocks[at];
    if (typeof block !== 'object' || block === null || !isBlockType((block as Partial<ContentBlock>).type))
      return false;
  }
  return true;
}
