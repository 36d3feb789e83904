/**
 * A tool as tools/list tells it.
 *
 * T1. `$schema` is left out where it is draft 2020-12, as which schemas are read anyway: checkers of older drafts, which
 *     popular clients have, throw at the sight of it. It stays in an input schema that finds its parts by anchors, which
 *     only that draft knows and the protocol's conformance suite wants told.
 * T2. Members of a schema that are `true` or `false` are told as the objects that mean the same: clients refuse the whole
 *     list for one.
 */
import type { JsonSchema, ToolDescriptor } from '../../call/catalog.ts';
import { META_PREFIX } from './era.ts';
import { toldOutput } from './output-schema.ts';

/** JSON text of one entry; an output schema that clients cannot use (output-schema.ts) is left out. */
export function toolText(tool: ToolDescriptor): string {
  const { name, title, description, inputSchema, outputSchema, chunkSchema, annotations, icons, meta } = tool;
  const allMeta = {
    ...meta,
    ...(chunkSchema === undefined ? {} : { [`${META_PREFIX}chunkSchema`]: shown(chunkSchema) }),
  };
  const output = outputSchema && toldOutput(outputSchema);
  return JSON.stringify({
    name,
    title,
    description,
    inputSchema: shown(inputSchema, ANCHOR.test(JSON.stringify(inputSchema))),
    outputSchema: output && shown(output),
    annotations,
    icons,
    _meta: Object.keys(allMeta).length === 0 ? undefined : allMeta,
  });
}

const DEFAULT_DIALECT = /^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;
const ANCHOR = /"\$(?:anchor|dynamicAnchor|dynamicRef)":/;

function shown(schema: JsonSchema, keepsDialect = false): JsonSchema {
  const { $schema, ...rest } = schema;
  const isDefault = !keepsDialect && typeof $schema === 'string' && DEFAULT_DIALECT.test($schema);
  const told = $schema === undefined || isDefault ? rest : schema;
  const { properties } = told;
  if (typeof properties !== 'object' || properties === null) return told;
  const members = Object.entries(properties);
  if (!members.some(([, member]) => typeof member === 'boolean')) return told;
  return { ...told, properties: Object.fromEntries(members.map(([key, member]) => [key, asObject(member)])) };
}

const asObject = (schema: unknown): unknown =>
  typeof schema === 'boolean' ? (schema ? {} : { not: {} }) : schema;
