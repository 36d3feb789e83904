/**
 * One face for the ways in which a tool may state a schema: what is advertised of it, and the check of values.
 *
 * S1. Runs in threads only. zod's JSON Schema writer and ajv are imported when first needed: most threads need
 *     neither before their first call, and each costs tens of milliseconds.
 * S2. An input schema always advertises `type: "object"` at the top: MCP clients refuse a whole list otherwise.
 * S3. What is advertised and what is checked agree: where JSON has no word for what a schema wants, both mean the one
 *     form that JSON can give it (zod-json-form.ts), or the tool does not load.
 */
import type { z } from 'zod';
import type { JsonSchema } from '../../lib/call/catalog.ts';
import type { SchemaSource, StandardSchema } from '../../lib/tool/define-tool.ts';
import { inJsonForm } from '../json-value.ts';
import { compileJsonSchema } from './json-schema.ts';
import { readSource } from './schema-source.ts';
import { type Direction, FROM_JSON, prepare, writePartsBy } from './zod-json-form.ts';

/** One reason why a value does not fit, as `details.issues[]` of `invalid_arguments` has it. */
export interface SchemaIssue {
  readonly path: string;
  readonly message: string;
  readonly code: string;
}

export type Checked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: readonly SchemaIssue[] };

export interface Check {
  /** Checks a value; a promise only where the schema has asynchronous rules. */
  run(value: unknown): Checked | Promise<Checked>;
  /**
   * What it can be given: a value as the tool made it; what that is in JSON; or, since it writes defaults into it, that
   * in a copy of its own.
   */
  readonly takes: 'value' | 'json' | 'copy';
}

/** A schema as it is advertised, and its check. */
export interface Schema {
  readonly advertised: JsonSchema;
  readonly check: Check;
}

/** More issues than this help nobody, and a hostile body can cause a million of them. */
const MAX_ISSUES = 20;

/** Makes the check of a schema; ajv compiles here, once per thread and schema. @throws like `readSchema`. */
export async function compileCheck(source: SchemaSource, direction: Direction): Promise<Check> {
  const found = await readSource(source);
  switch (found.kind) {
    case 'zod':
      return zodCheck(found.schema, direction);
    case 'raw':
      return rawCheck(found.schema);
    case 'standard':
      return found.standard.validate
        ? standardCheck(found.standard)
        : rawCheck(advertisedBy(found.standard, direction));
  }
}

/**
 * A schema with all that can be told of it when its tool loads.
 * @throws {TypeError} for what is no schema, cannot be compiled, or no JSON can pass; the message continues a sentence
 * that names it (`is …`, `has …`), or says where in it (`at …`).
 */
export async function readSchema(source: SchemaSource, direction: Direction): Promise<Schema> {
  const check = await compileCheck(source, direction);
  const found = await readSource(source);
  switch (found.kind) {
    case 'zod':
      return { check, advertised: await zodJsonSchema(found.schema, direction) };
    case 'raw':
      return { check, advertised: found.schema };
    case 'standard': {
      const advertised = advertisedBy(found.standard, direction);
      await compileJsonSchema(advertised);
      return { check, advertised };
    }
  }
}

/** An input schema as advertised (S2). @throws {TypeError} when the schema is of another type than object. */
export function asInput(schema: JsonSchema): JsonSchema {
  if (schema['type'] === 'object') return schema;
  if (schema['type'] === undefined) return { ...schema, type: 'object' };
  throw new TypeError(`is of type ${JSON.stringify(schema['type'])}; a tool's arguments are an object`);
}

function zodCheck(schema: z.ZodType, direction: Direction): Check {
  const { isSpecial, isForeign } = prepare(schema, direction);
  const context = isSpecial ? ({ [FROM_JSON]: true } as object) : undefined;
  const told = direction === 'output' && isForeign ? inJsonForm : undefined;
  const read = (parsed: z.ZodSafeParseResult<unknown>) => fromZod(parsed, told);
  let isAsync = false;
  return {
    takes: 'value',
    run(value) {
      if (isAsync) return schema.safeParseAsync(value, context).then(read);
      try {
        return read(schema.safeParse(value, context));
      } catch (thrown) {
        // zod says only by throwing that a schema has asynchronous rules, and not always in words: the code that it makes for
        // objects trips over a promise. What throws both ways is a fault of the schema's own.
        const isSaid = (thrown as { constructor: { name: string } })?.constructor?.name === '$ZodAsyncError';
        if (!isSaid && !(thrown instanceof TypeError)) throw thrown;
        return schema.safeParseAsync(value, context).then((parsed) => {
          isAsync = true;
          return read(parsed);
        });
      }
    },
  };
}

function fromZod(parsed: z.ZodSafeParseResult<unknown>, told?: (value: unknown) => unknown): Checked {
  if (parsed.success) return { ok: true, value: told ? told(parsed.data) : parsed.data };
  const issues = parsed.error.issues.slice(0, MAX_ISSUES).map((issue) => ({
    path: issue.path.map(String).join('.'),
    message: issue.message,
    code: issue.code ?? 'invalid',
  }));
  return { ok: false, issues };
}

async function rawCheck(schema: JsonSchema): Promise<Check> {
  const validate = await compileJsonSchema(schema);
  return {
    takes: JSON.stringify(schema).includes('"default":') ? 'copy' : 'json',
    run(value) {
      if (validate(value)) return { ok: true, value };
      const issues = (validate.errors ?? []).slice(0, MAX_ISSUES).map((error) => ({
        path: error.instancePath.slice(1).replaceAll('/', '.'),
        message: error.message ?? 'does not fit the schema',
        code: error.keyword,
      }));
      return { ok: false, issues };
    },
  };
}

type Standard = StandardSchema['~standard'];
type StandardResult = Awaited<ReturnType<NonNullable<Standard['validate']>>>;

function standardCheck(standard: Standard): Check {
  return {
    takes: 'value',
    run(value) {
      const result = standard.validate?.(value) as StandardResult | Promise<StandardResult>;
      return result instanceof Promise ? result.then(fromStandard) : fromStandard(result);
    },
  };
}

function fromStandard(result: StandardResult): Checked {
  if (!result.issues) return { ok: true, value: result.value };
  const issues = result.issues.slice(0, MAX_ISSUES).map(({ message, path = [] }) => ({
    path: path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.'),
    message,
    code: 'invalid',
  }));
  return { ok: false, issues };
}

/** Newest first: the one that lists are read as needs no `$schema`. */
const TARGETS = ['draft-2020-12', 'draft-07'];

/** What a schema says itself to be. @throws {TypeError} where it cannot. */
function advertisedBy({ vendor, jsonSchema }: Standard, direction: Direction): JsonSchema {
  let reason = '';
  for (const target of TARGETS) {
    try {
      const said: unknown = jsonSchema[direction]({ target });
      if (typeof said === 'object' && said !== null && !Array.isArray(said)) return said as JsonSchema;
      reason ||= `it says itself as ${said === undefined ? 'nothing' : JSON.stringify(said)}, which is no object`;
    } catch (error) {
      reason ||= error instanceof Error ? error.message : String(error);
    }
  }
  throw new TypeError(
    `is a schema of ${vendor} that has no JSON Schema: ${reason}; write what JSON can hold`,
  );
}

/** In draft 2020-12. */
async function zodJsonSchema(schema: z.ZodType, direction: Direction): Promise<JsonSchema> {
  const [{ z }, { processSchema }] = await Promise.all([import('zod'), import('zod/v4/core')]);
  writePartsBy(processSchema);
  return z.toJSONSchema(schema, {
    io: direction,
    target: 'draft-2020-12',
    unrepresentable: 'any',
  }) as JsonSchema;
}
