/** What a form asks of a JSON Schema: local references, what kind of field fits, and values to begin with. */
import type { Json, Schema } from './gateway.ts';

export type Kind =
  | 'text'
  | 'number'
  | 'boolean'
  | 'choice'
  | 'constant'
  | 'object'
  | 'list'
  | 'variants'
  | 'null'
  | 'json';

/** A schema as a form sees it: without references, and without `null` among its variants. */
export interface FieldPlan {
  readonly kind: Kind;
  readonly schema: Schema;
  readonly isNullable: boolean;
  readonly choices: readonly Json[];
  readonly variants: readonly Schema[];
}

export const isObject = (value: unknown): value is { readonly [name: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const listOf = (value: unknown): readonly Schema[] => (Array.isArray(value) ? value.filter(isObject) : []);

/** Follows local references; what is said beside one stands. One that leads nowhere, or in a circle, is left open. */
export function resolved(schema: Schema, root: Schema): Schema {
  let current = schema;
  for (let depth = 0; depth < 16; depth++) {
    const reference = current['$ref'] ?? current['$dynamicRef'];
    if (typeof reference !== 'string') return merged(current, root);
    const target = targetOf(reference, root);
    if (!target) return {};
    const { $ref: _, $dynamicRef: __, ...beside } = current;
    current = { ...target, ...beside };
  }
  return {};
}

function targetOf(reference: string, root: Schema): Schema | undefined {
  if (reference === '#') return root;
  if (!reference.startsWith('#/')) return undefined;
  let found: unknown = root;
  for (const part of reference.slice(2).split('/')) {
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    found = (found as Record<string, unknown> | undefined)?.[name];
  }
  return isObject(found) ? found : undefined;
}

/** All of `allOf` as one, where its parts are objects. */
function merged(schema: Schema, root: Schema): Schema {
  const parts = listOf(schema['allOf']).map((part) => resolved(part, root));
  if (parts.length === 0) return schema;
  const { allOf: _, ...own } = schema;
  return [own as Schema, ...parts].reduce<Schema>(
    (sum, part) => ({
      ...part,
      ...sum,
      properties: { ...(part['properties'] as object), ...(sum['properties'] as object) },
      required: [...((sum['required'] as string[]) ?? []), ...((part['required'] as string[]) ?? [])],
    }),
    {},
  );
}

const isNull = (schema: Schema): boolean => schema['type'] === 'null' || schema['const'] === null;

export function planOf(given: Schema, root: Schema): FieldPlan {
  const schema = resolved(given, root);
  const all = [...listOf(schema['oneOf']), ...listOf(schema['anyOf'])].map((one) => resolved(one, root));
  const variants = all.filter((one) => !isNull(one));
  const types = [schema['type']].flat().filter((type) => typeof type === 'string');
  const isNullable = all.length > variants.length || (types.includes('null') && types.length > 1);
  const plan = (kind: Kind, more: Partial<FieldPlan> = {}): FieldPlan => ({
    ...{ kind, schema, isNullable, choices: [], variants: [] },
    ...more,
  });
  if ('const' in schema) return plan('constant');
  if (Array.isArray(schema['enum'])) {
    const choices = schema['enum'] as Json[];
    return plan('choice', {
      choices: choices.filter((choice) => choice !== null),
      isNullable: isNullable || choices.includes(null),
    });
  }
  if (variants.length > 1 && variants.every((one) => 'const' in one))
    return plan('choice', { choices: variants.map((one) => one['const'] as Json) });
  if (variants.length > 1) return plan('variants', { variants });
  const [only] = variants;
  if (only) {
    const { oneOf: _, anyOf: __, ...beside } = schema;
    const inner = planOf({ ...only, ...beside }, root);
    return { ...inner, isNullable: isNullable || inner.isNullable };
  }
  const [type, ...others] = types.filter((one) => one !== 'null');
  if (others.length > 0)
    return plan('variants', { variants: [type, ...others].map((one) => ({ ...schema, type: one })) });
  if (type === 'string') return plan('text');
  if (type === 'number' || type === 'integer') return plan('number');
  if (type === 'boolean') return plan('boolean');
  if (type === 'object' || (!type && isObject(schema['properties'])))
    return plan(isForm(schema) ? 'object' : 'json');
  if (type === 'array' && isObject(schema['items']) && !schema['prefixItems']) return plan('list');
  return plan(types.length === 1 && types[0] === 'null' ? 'null' : 'json');
}

/** Whether all that an object may hold is in its properties. */
function isForm(schema: Schema): boolean {
  const names = Object.keys((schema['properties'] as object) ?? {});
  return (
    names.length > 0 && !isObject(schema['patternProperties']) && !isObject(schema['additionalProperties'])
  );
}

export const propertiesOf = (schema: Schema): readonly (readonly [string, Schema])[] =>
  Object.entries((schema['properties'] as Record<string, Schema>) ?? {});

export const requiredOf = (schema: Schema): ReadonlySet<string> =>
  new Set((schema['required'] as string[]) ?? []);

/** What a field holds at first; undefined: nothing, it is left out. */
export function firstValue(given: Schema, root: Schema, isRequired: boolean, depth = 0): Json | undefined {
  const { schema, kind, variants } = planOf(given, root);
  if (schema['default'] !== undefined) return schema['default'] as Json;
  if (kind === 'constant') return isRequired ? (schema['const'] as Json) : undefined;
  if (!isRequired || depth > 8) return undefined;
  if (kind === 'object') {
    const required = requiredOf(schema);
    const entries = propertiesOf(schema).map(
      ([name, one]) => [name, firstValue(one, root, required.has(name), depth + 1)] as const,
    );
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Json;
  }
  if (kind === 'list') return [];
  if (kind === 'null') return null;
  if (kind === 'boolean') return false;
  if (kind === 'variants' && variants[0]) return firstValue(variants[0], root, true, depth + 1);
  return kind === 'json' && schema['type'] === 'object' ? {} : undefined;
}

/** The arguments that a tool's form begins with: its author's example, else its defaults. */
export function firstArguments(schema: Schema): Json {
  const [example] = Array.isArray(schema['examples']) ? (schema['examples'] as Json[]) : [];
  if (isObject(example)) return example as Json;
  const value = firstValue(schema, schema, true);
  return isObject(value) ? (value as Json) : {};
}

/** Which variant a value is most likely of. */
export function variantOf(value: Json | undefined, variants: readonly Schema[], root: Schema): number {
  const fits = variants.findIndex((one) => mayBe(value, resolved(one, root), root));
  return Math.max(0, fits);
}

function mayBe(value: Json | undefined, schema: Schema, root: Schema): boolean {
  if ('const' in schema) return JSON.stringify(schema['const']) === JSON.stringify(value);
  if (Array.isArray(schema['enum'])) return schema['enum'].includes(value);
  const type = schema['type'];
  if (
    typeof type === 'string' &&
    type !== typeOf(value) &&
    !(type === 'number' && typeOf(value) === 'integer')
  )
    return false;
  if (!isObject(value)) return true;
  const constants = propertiesOf(schema).filter(([, one]) => 'const' in resolved(one, root));
  if (constants.some(([name, one]) => value[name] !== resolved(one, root)['const'])) return false;
  return [...requiredOf(schema)].every((name) => name in value || constants.length > 0);
}

function typeOf(value: Json | undefined): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** What a variant is called. */
export function variantName(schema: Schema, at: number, root: Schema): string {
  const plain = resolved(schema, root);
  if (typeof plain['title'] === 'string') return plain['title'];
  const constant = propertiesOf(plain)
    .map(([name, one]) => [name, resolved(one, root)] as const)
    .find(([, one]) => 'const' in one);
  if (constant) return `${constant[0]}: ${String(constant[1]['const'])}`;
  return typeof plain['type'] === 'string' ? plain['type'] : `variant ${at + 1}`;
}
