/**
 * Walks a JSON Schema: each of its subschemas, with the JSON pointer to it. Of any draft: what a keyword held in an older
 * one is walked too.
 */

/** Keywords that hold a subschema, or (in some drafts) a list of them. */
const ONE = [
  'items',
  'additionalItems',
  'additionalProperties',
  'contains',
  'contentSchema',
  'else',
  'extends',
  'if',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
];
const LIST = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const MAP = ['$defs', 'definitions', 'dependentSchemas', 'patternProperties', 'properties'];

export type SchemaNode = Readonly<Record<string, unknown>>;

/** RFC 6901. */
const token = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

const isNode = (value: unknown): value is SchemaNode =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * @param visit for each schema that is an object.
 * @param misplaced for what stands where a schema belongs, and is none.
 */
export function walkSchema(
  schema: unknown,
  visit: (node: SchemaNode, pointer: string) => void,
  misplaced: (value: unknown, pointer: string) => void,
  pointer = '',
): void {
  if (typeof schema === 'boolean') return;
  if (!isNode(schema)) return misplaced(schema, pointer);
  visit(schema, pointer);
  const go = (value: unknown, ...path: string[]): void =>
    walkSchema(value, visit, misplaced, [pointer, ...path.map(token)].join('/'));
  const goAll = (list: readonly unknown[], keyword: string): void => {
    for (const [at, one] of list.entries()) go(one, keyword, String(at));
  };
  for (const keyword of ONE) {
    const value = schema[keyword];
    if (Array.isArray(value)) goAll(value, keyword);
    else if (value !== undefined) go(value, keyword);
  }
  for (const keyword of LIST) {
    const value = schema[keyword];
    if (Array.isArray(value)) goAll(value, keyword);
  }
  for (const keyword of MAP) {
    const value = schema[keyword];
    if (isNode(value)) for (const [name, one] of Object.entries(value)) go(one, keyword, name);
  }
}
