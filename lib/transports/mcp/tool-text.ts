/**
 * A tool as tools/list tells it.
 */
import type { ToolDescriptor } from '../../call/catalog.ts';
import { META_PREFIX } from './era.ts';

/** JSON text of one entry; an output schema that is not an object's is left out, since MCP knows no other. */
export function toolText(tool: ToolDescriptor): string {
  const { name, title, description, inputSchema, outputSchema, chunkSchema, annotations, icons, meta } = tool;
  const allMeta = {
    ...meta,
    ...(chunkSchema === undefined ? {} : { [`${META_PREFIX}chunkSchema`]: chunkSchema }),
  };
  return JSON.stringify({
    name,
    title,
    description,
    inputSchema,
    outputSchema: outputSchema?.['type'] === 'object' ? outputSchema : undefined,
    annotations,
    icons,
    _meta: Object.keys(allMeta).length === 0 ? undefined : allMeta,
  });
}
