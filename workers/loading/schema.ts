/**
 * One face for the two ways a tool may state a schema: a zod schema, or raw JSON Schema passed through untouched.
 *
 * S1. Runs in threads only. zod's JSON Schema writer and ajv are imported when first needed: most threads need
 *     neither before their first call, and each costs tens of milliseconds.
 * S2. An input schema always advertises `type: "object"` at the top: MCP clients refuse a whole list otherwise.
 */
import type { z } from 'zod';
import type { JsonSchema } from '../../lib/call/catalog.ts';
import type { RawSchema, SchemaSource } from '../../lib/tool/define-tool.ts';

/** One reason why a value does not fit, as `details.issues[]` of `invalid_arguments` has it. */
export interface SchemaIssue {
  readonly path: string;
  readonly message: string;
  readonly code: string;
}

export type Checked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: readonly SchemaIssue[] };

/** Checks a value; a promise only where the schema has asynchronous rules. */
export type Check = (value: unknown) => Checked | Promise<Checked>;

/** More issues than this help nobody, and a hostile body can cause a million of them. */
const MAX_ISSUES = 20;

const isZod = (source: SchemaSource): source is z.ZodType => '_zod' in source || 'safeParse' in source;

/** Makes the check of a schema; ajv compiles here, once per thread and schema. */
export async function compileCheck(source: SchemaSource): Promise<Check> {
  return isZod(source) ? zodCheck(source) : rawCheck(source);
}

function zodCheck(schema: z.ZodType): Check {
  let isAsync = false;
  return (value) => {
    if (isAsync) return schema.safeParseAsync(value).then(fromZod);
    try {
      return fromZod(schema.safeParse(value));
    } catch (error) {
      // zod says only by throwing that a schema has asynchronous rules.
      if ((error as { constructor: { name: string } })?.constructor?.name !== '$ZodAsyncError') throw error;
      isAsync = true;
      return schema.safeParseAsync(value).then(fromZod);
    }
  };
}

function fromZod(parsed: z.ZodSafeParseResult<unknown>): Checked {
  if (parsed.success) return { ok: true, value: parsed.data };
  const issues = parsed.error.issues.slice(0, MAX_ISSUES).map((issue) => ({
    path: issue.path.map(String).join('.'),
    message: issue.message,
    code: issue.code ?? 'invalid',
  }));
  return { ok: false, issues };
}

async function rawCheck(source: RawSchema): Promise<Check> {
  const { Ajv2020 } = await import('ajv/dist/2020.js');
  const ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: false });
  const { $schema: _dialect, ...schema } = source.jsonSchema;
  const validate = ajv.compile(schema);
  return (value) => {
    if (validate(value)) return { ok: true, value };
    const issues = (validate.errors ?? []).slice(0, MAX_ISSUES).map((error) => ({
      path: error.instancePath.slice(1).replaceAll('/', '.'),
      message: error.message ?? 'does not fit the schema',
      code: error.keyword,
    }));
    return { ok: false, issues };
  };
}

/** The schema as JSON Schema: raw ones exactly as written, zod ones in draft 2020-12. */
export async function toJsonSchema(source: SchemaSource, io: 'input' | 'output'): Promise<JsonSchema> {
  if (!isZod(source)) return source.jsonSchema;
  const { z } = await import('zod');
  return z.toJSONSchema(source, { io, target: 'draft-2020-12', unrepresentable: 'any' }) as JsonSchema;
}

/** An input schema as advertised (S2). @throws {TypeError} when the schema is of another type than object. */
export async function toInputSchema(source: SchemaSource | undefined): Promise<JsonSchema> {
  if (source === undefined) return { type: 'object' };
  const schema = await toJsonSchema(source, 'input');
  if (schema['type'] === 'object') return schema;
  if (schema['type'] === undefined) return { ...schema, type: 'object' };
  throw new TypeError(
    `its input schema is of type ${JSON.stringify(schema['type'])}; a tool's arguments are an object`,
  );
}
