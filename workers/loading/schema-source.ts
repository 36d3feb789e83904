/**
 * What an author gave as a schema, told apart: a zod schema, the shape of one, JSON Schema, or the schema of any library
 * that can say itself as JSON Schema (standardschema.dev).
 *
 * O1. What has one clear meaning is taken as that; all else is refused with a sentence that says what to write.
 * O2. JSON Schema is what JSON makes of it: so it is advertised, and so it is checked.
 */
import type { z } from 'zod';
import type { JsonSchema } from '../../lib/call/catalog.ts';
import type { StandardSchema } from '../../lib/tool/define-tool.ts';

export type Source =
  | { readonly kind: 'zod'; readonly schema: z.ZodType }
  | { readonly kind: 'raw'; readonly schema: JsonSchema }
  | { readonly kind: 'standard'; readonly standard: StandardSchema['~standard'] };

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isHolder = (value: unknown): value is Fields => isFields(value) || typeof value === 'function';

const isZod = (value: unknown): value is z.ZodType => isHolder(value) && isFields(value['_zod']);
const isOldZod = (value: unknown): boolean =>
  isHolder(value) && !isZod(value) && isFields(value['_def']) && typeof value['safeParse'] === 'function';

const standardOf = (value: unknown): Fields | undefined => {
  const standard = isHolder(value) ? value['~standard'] : undefined;
  return isFields(standard) ? standard : undefined;
};

const saysJsonSchema = (standard: Fields): boolean => {
  const writer = standard['jsonSchema'];
  return isFields(writer) && typeof writer['input'] === 'function' && typeof writer['output'] === 'function';
};

const WRITE = 'write a zod schema (z.object({ … })) or JSON Schema ({ jsonSchema: { … } })';

/** What is wrong with a schema of a library, and what to write; undefined for one that can be used. */
function troubleOf(value: unknown): string | undefined {
  if (isOldZod(value))
    return 'is a schema of zod 3, which has no JSON Schema; import { z } from "zod" 4 ("zod/v4" where 3.25 is installed)';
  const standard = standardOf(value);
  if (!standard || isZod(value) || saysJsonSchema(standard)) return undefined;
  const vendor = typeof standard['vendor'] === 'string' ? standard['vendor'] : 'another library';
  if (vendor === 'valibot')
    return 'is a schema of valibot, which has no JSON Schema by itself; write toStandardJsonSchema(schema), from @valibot/to-json-schema';
  return `is a schema of ${vendor} that does not say itself as JSON Schema; ${WRITE}`;
}

const TYPES = new Set(['array', 'boolean', 'integer', 'null', 'number', 'object', 'string']);

/** Whether an object can be nothing but JSON Schema: what it says of itself, it says as JSON Schema does. */
function isJsonSchema({
  type,
  $schema,
  $ref,
  properties,
  anyOf,
  oneOf,
  allOf,
  enum: values,
}: Fields): boolean {
  const types = Array.isArray(type) ? type : [type];
  return (
    types.every((one) => TYPES.has(one as string)) ||
    typeof $schema === 'string' ||
    typeof $ref === 'string' ||
    (type === undefined && isFields(properties)) ||
    [anyOf, oneOf, allOf, values].some(Array.isArray)
  );
}

const list = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ');

/** @throws {TypeError} `is …; write …`, for what has no clear meaning. */
export async function readSource(source: unknown): Promise<Source> {
  if (isZod(source)) return { kind: 'zod', schema: source };
  const trouble = troubleOf(source);
  if (trouble !== undefined) throw new TypeError(trouble);
  const standard = standardOf(source);
  if (standard) return { kind: 'standard', standard: standard as unknown as StandardSchema['~standard'] };
  if (!isFields(source))
    throw new TypeError(`is ${Array.isArray(source) ? 'an array' : `a ${typeof source}`}; ${WRITE}`);
  return Object.hasOwn(source, 'jsonSchema') ? readRaw(source['jsonSchema']) : readObject(source);
}

function readRaw(schema: unknown): Source {
  if (isZod(schema) || troubleOf(schema) !== undefined || standardOf(schema))
    throw new TypeError('has a schema of a library as its "jsonSchema"; give that schema itself');
  if (!isFields(schema))
    throw new TypeError('has a "jsonSchema" that is no object; write { jsonSchema: { … } }');
  return { kind: 'raw', schema: inJson(schema) };
}

/** @throws {TypeError} for what JSON cannot hold (O2). */
function inJson(schema: Fields): JsonSchema {
  let text: string | undefined;
  try {
    text = JSON.stringify(schema);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new TypeError(
      error instanceof RangeError || message.includes('circular')
        ? 'contains itself; write a "$ref" where it comes up again'
        : `is no JSON: ${message}`,
      { cause: error },
    );
  }
  const written: unknown = text === undefined ? undefined : JSON.parse(text);
  if (isFields(written)) return written;
  throw new TypeError(`is no object in JSON but ${text ?? 'nothing'}; write { jsonSchema: { … } }`);
}

/** An object that says of itself neither what it is: a shape, or JSON Schema without its wrapping. */
async function readObject(source: Fields): Promise<Source> {
  const names = Object.keys(source);
  if (names.length === 0) return { kind: 'raw', schema: source };
  for (const name of names) {
    const trouble = troubleOf(source[name]);
    if (trouble !== undefined) throw new TypeError(`has a member ${JSON.stringify(name)} that ${trouble}`);
  }
  const zods = names.filter((name) => isZod(source[name]));
  if (zods.length === names.length) {
    const { z } = await import('zod');
    return { kind: 'zod', schema: z.object(source as z.ZodRawShape) };
  }
  if (zods.length === 0 && !names.some((name) => standardOf(source[name])) && isJsonSchema(source))
    return { kind: 'raw', schema: inJson(source) };
  const others = names.filter((name) => !zods.includes(name));
  if (zods.length > 0)
    throw new TypeError(
      `has zod schemas as members, and ${list(others)}, which is none; write z.object({ … }) of schemas`,
    );
  throw new TypeError(`is an object with ${list(names.slice(0, 5))}, which is no schema; ${WRITE}`);
}
