/**
 * An output schema as clients can check results with it: those of the official SDKs compile it, some by the rules of
 * draft-07 whatever it says, and refuse the whole list where that fails, or a result that does fit.
 *
 * O1. One that they cannot compile is left out: of draft-04, or with a pattern that is none under the `u` flag.
 * O2. A tuple of 2020-12 says its length by `maxItems`, and not by `items`, which older drafts read as a rule of all
 *     items. What is told is never more than the schema demands: the gateway itself checks all of it.
 */
import type { JsonSchema } from '../../call/catalog.ts';
import { isObject } from './message.ts';

const DRAFT_4 = /^https?:\/\/json-schema\.org\/draft-04\//;

/** Keywords that hold data, and such as hold schemas by names that are no keywords. */
const OF_DATA = new Set(['const', 'default', 'enum', 'examples']);
const OF_NAMES = new Set(['$defs', 'definitions', 'dependentSchemas', 'patternProperties', 'properties']);

/** @returns undefined where it is better left out. */
export function toldOutput(schema: JsonSchema): JsonSchema | undefined {
  const { $schema } = schema;
  if (schema['type'] !== 'object') return undefined;
  if (typeof $schema === 'string' && DRAFT_4.test($schema)) return undefined;
  return hasOwnPattern(schema) ? undefined : (withLengths(schema) as JsonSchema);
}

/** The members of a schema that hold schemas, or lists of them. */
function partsOf(schema: JsonSchema): readonly unknown[] {
  return Object.entries(schema).flatMap(([keyword, value]) => {
    if (OF_DATA.has(keyword)) return [];
    if (Array.isArray(value)) return value;
    return OF_NAMES.has(keyword) && isObject(value) ? Object.values(value) : [value];
  });
}

/** Whether a pattern is none under the `u` flag. */
function hasOwnPattern(schema: unknown): boolean {
  if (!isObject(schema)) return false;
  const { pattern, patternProperties } = schema;
  const patterns = isObject(patternProperties) ? Object.keys(patternProperties) : [];
  if (typeof pattern === 'string') patterns.push(pattern);
  return !patterns.every(isUnicodePattern) || partsOf(schema).some(hasOwnPattern);
}

function isUnicodePattern(pattern: string): boolean {
  try {
    new RegExp(pattern, 'u');
    return true;
  } catch {
    return false;
  }
}

/** With tuples as O2 has them. */
function withLengths(schema: unknown): unknown {
  if (!isObject(schema)) return schema;
  const told = Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => {
      if (OF_DATA.has(keyword)) return [keyword, value];
      if (Array.isArray(value)) return [keyword, value.map(withLengths)];
      if (!OF_NAMES.has(keyword) || !isObject(value)) return [keyword, withLengths(value)];
      return [
        keyword,
        Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withLengths(one)])),
      ];
    }),
  );
  const { prefixItems, items, maxItems } = told;
  if (!Array.isArray(prefixItems) || items === undefined) return told;
  delete told['items'];
  if (items === false)
    told['maxItems'] = Math.min(prefixItems.length, typeof maxItems === 'number' ? maxItems : Infinity);
  return told;
}
