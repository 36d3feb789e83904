/**
 * A tool as tools/list tells it.
 *
 * T1. `$schema` is left out where it is draft 2020-12, as which schemas are read anyway: checkers of older drafts, which
 *     popular clients have, throw at the sight of it.
 * T2. Members of a schema that are `true` or `false` are told as the objects that mean the same: clients refuse the whole
 *     list for one.
 */
import type { JsonSchema, ToolDescriptor } from '../../call/catalog.ts';
import { META_PREFIX } from './era.ts';

/** JSON text of one entry; an output schema that is not an object's is left out, since MCP knows no other. */
export function toolText(tool: ToolDescriptor): string {
  const { name, title, description, inputSchema, outputSchema, chunkSchema, annotations, icons, meta } = tool;
  const allMeta = {
    ...meta,
    ...(chunkSchema === undefined ? {} : { [`${META_PREFIX}chunkSchema`]: shown(chunkSchema) }),
  };
  return JSON.stringify({
    name,
    title,
    description,
    inputSchema: shown(inputSchema),
    outputSchema: outputSchema?.['type'] === 'object' ? shown(outputSchema) : undefined,
    annotations,
    icons,
    _meta: Object.keys(allMeta).length === 0 ? undefined : allMeta,
  });
}

const DEFAULT_DIALECT = /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;

function shown(schema: JsonSchema): JsonSchema {
  const { $schema, ...rest } = schema;
  const isDefault = typeof $schema === 'string' && DEFAULT_DIALECT.test($schema);
  const told = $schema === undefined || isDefault ? rest : schema;
  const { properties } = told;
  if (typeof properties !== 'object' || properties === null) return told;
  const members = Object.entries(properties);
  if (!members.some(([, member]) => typeof member === 'boolean')) return told;
  return { ...told, properties: Object.fromEntries(members.map(([key, member]) => [key, asObject(member)])) };
}

const asObject = (schema: unknown): unknown =>
  typeof schema === 'boolean' ? (schema ? {} : { not: {} }) : schema;
