/**
 * Compiles raw JSON Schema, when the tool loads: what cannot be checked is refused there, with the place and the reason,
 * rather than at every call.
 *
 * J1. `$schema` says which dialect it is; without one it is draft 2020-12, as MCP has it. A dialect's checker is loaded
 *     when a schema of it comes, and never by a thread whose tools have none.
 * J2. A schema is checked against that of its dialect only where it does not compile, to say where: that takes longer
 *     than all else here.
 * J3. Defaults are filled in, and the common formats checked, as zod does. A pattern that is none under the `u` flag is
 *     taken without it, as authors of other languages mean it.
 */
import { createRequire } from 'node:module';
import type { Ajv, Options, ValidateFunction } from 'ajv';
import type { JsonSchema } from '../../lib/call/catalog.ts';
import { walkSchema } from './schema-walk.ts';

interface Dialect {
  readonly name: string;
  load(options: Options): Promise<Ajv>;
}

const DRAFT_2020: Dialect = {
  name: '2020-12',
  load: async (options) => new (await import('ajv/dist/2020.js')).Ajv2020(options),
};

async function loadDraft6(options: Options): Promise<Ajv> {
  const ajv = new (await import('ajv')).Ajv(options);
  const require = createRequire(import.meta.url);
  ajv.addMetaSchema(require('ajv/dist/refs/json-schema-draft-06.json'));
  return ajv;
}

/** By `$schema` without its scheme and its empty fragment. */
const DIALECTS: Readonly<Record<string, Dialect>> = {
  'json-schema.org/draft/2020-12/schema': DRAFT_2020,
  'json-schema.org/draft/2019-09/schema': {
    name: '2019-09',
    load: async (options) => new (await import('ajv/dist/2019.js')).Ajv2019(options),
  },
  'json-schema.org/draft-07/schema': {
    name: '07',
    load: async (options) => new (await import('ajv')).Ajv(options),
  },
  'json-schema.org/draft-06/schema': { name: '06', load: loadDraft6 },
  'json-schema.org/draft-04/schema': {
    name: '04',
    load: async (options) =>
      new (await import('ajv-draft-04')).default.default(options as never) as unknown as Ajv,
  },
};

function dialectOf({ $schema }: JsonSchema): Dialect {
  if ($schema === undefined) return DRAFT_2020;
  const key = typeof $schema === 'string' ? $schema.replace(/^https?:\/\//, '').replace(/#$/, '') : '';
  const dialect = Object.hasOwn(DIALECTS, key) ? DIALECTS[key] : undefined;
  if (dialect) return dialect;
  throw new TypeError(
    `at /$schema: ${JSON.stringify($schema)} is no dialect that is known here (draft 2020-12, 2019-09, 07, 06 or 04); ` +
      'write its URI, or leave it out for 2020-12',
  );
}

/** As the flags ask, else without `u` (J3). @throws {SyntaxError} where it is no pattern either way. */
function toRegExp(pattern: string, flags: string): RegExp {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return new RegExp(pattern);
  }
}

const OPTIONS: Options = {
  strict: false,
  // Unknown formats and keywords are notes (J3), not something to print.
  logger: false,
  useDefaults: true,
  validateSchema: false,
  code: { regExp: Object.assign(toRegExp, { code: 'toRegExp' }) },
};

const isRegExp = (pattern: string): boolean => {
  try {
    toRegExp(pattern, 'u');
    return true;
  } catch {
    return false;
  }
};

async function newChecker(dialect: Dialect): Promise<Ajv> {
  const ajv = await dialect.load(OPTIONS);
  (await import('ajv-formats')).default.default(ajv);
  ajv.addFormat('regex', isRegExp);
  return ajv;
}

const checkers = new Map<Dialect, Promise<Ajv>>();

/** Making one takes milliseconds; schemas that name themselves could be taken for one another in it. */
function checkerFor(dialect: Dialect, isNamed: boolean): Promise<Ajv> {
  if (isNamed) return newChecker(dialect);
  let checker = checkers.get(dialect);
  if (!checker) {
    checker = newChecker(dialect);
    checkers.set(dialect, checker);
  }
  return checker;
}

/** @throws {TypeError} with the pointer to what cannot be checked, and the reason. */
export async function compileJsonSchema(source: JsonSchema): Promise<ValidateFunction> {
  const dialect = dialectOf(source);
  const { $schema: _dialect, ...schema } = source;
  const { refs, isNamed } = look(schema);
  const ajv = await checkerFor(dialect, isNamed);
  try {
    return ajv.compile(schema);
  } catch (error) {
    const { pointer, reason, isOfDialect } = placeOf(error as Error, ajv, schema, refs);
    const hint =
      isOfDialect && source['$schema'] === undefined
        ? '; without "$schema" it is read as draft 2020-12: a schema of another draft has to name it'
        : '';
    throw new TypeError(`at ${pointer || '/'}: ${reason} (JSON Schema ${dialect.name})${hint}`, {
      cause: error,
    });
  }
}

interface Seen {
  /** The pointer to each reference. */
  readonly refs: ReadonlyMap<string, string>;
  /** Whether a part has a name of its own. */
  readonly isNamed: boolean;
}

/** Looks at what compiling passes over. */
function look(schema: JsonSchema): Seen {
  const refs = new Map<string, string>();
  let isNamed = false;
  const checkPattern = (pattern: unknown, pointer: string): void => {
    if (typeof pattern !== 'string' || isRegExp(pattern)) return;
    throw new TypeError(`at ${pointer}: ${JSON.stringify(pattern)} is no regular expression`);
  };
  walkSchema(
    schema,
    (node, pointer) => {
      isNamed ||= typeof node['$id'] === 'string' || typeof node['id'] === 'string';
      for (const keyword of ['$ref', '$dynamicRef', '$recursiveRef'])
        if (typeof node[keyword] === 'string') refs.set(node[keyword], `${pointer}/${keyword}`);
      checkPattern(node['pattern'], `${pointer}/pattern`);
      const patterns = node['patternProperties'];
      if (typeof patterns === 'object' && patterns !== null)
        for (const pattern of Object.keys(patterns)) checkPattern(pattern, `${pointer}/patternProperties`);
    },
    (value, pointer) => {
      throw new TypeError(
        `at ${pointer || '/'}: a schema is an object or a boolean, not ${JSON.stringify(value) ?? typeof value}`,
      );
    },
  );
  return { refs, isNamed };
}

interface Place {
  readonly pointer: string;
  readonly reason: string;
  /** Whether another dialect may allow it. */
  readonly isOfDialect: boolean;
}

function placeOf(error: Error, ajv: Ajv, schema: JsonSchema, refs: ReadonlyMap<string, string>): Place {
  const ref = /^can't resolve reference (\S+) from id/.exec(error.message)?.[1];
  if (ref !== undefined) {
    const [written, pointer] = [...refs].find(([one]) => one === ref || ref.endsWith(one)) ?? [ref, ''];
    const why = written.startsWith('#')
      ? 'nothing is there'
      : 'other documents are not fetched; put it under $defs';
    return {
      pointer,
      reason: `the reference ${JSON.stringify(written)} leads nowhere: ${why}`,
      isOfDialect: false,
    };
  }
  // The stack of the checker overflows in it.
  const circle = error instanceof RangeError ? circleIn(schema, refs) : undefined;
  if (circle !== undefined) return circle;
  // Which dialect it is was left out above, and is what the checker takes for granted.
  if (ajv.validateSchema(schema) !== true) {
    const [first] = ajv.errors ?? [];
    if (first)
      return { pointer: first.instancePath, reason: first.message ?? error.message, isOfDialect: true };
  }
  // What an older draft has another word for is told so.
  const isOfDialect = error.message.startsWith('NOT SUPPORTED');
  return { pointer: innermost(error, ajv, schema), reason: error.message, isOfDialect };
}

/** A reference that leads back to itself through nothing but references, so that it says nothing. */
function circleIn(schema: JsonSchema, refs: ReadonlyMap<string, string>): Place | undefined {
  for (const [first, pointer] of refs) {
    const passed = new Set<string>();
    let next: unknown = first;
    while (typeof next === 'string' && !passed.has(next)) {
      passed.add(next);
      next = (partAt(schema, next) as JsonSchema | undefined)?.['$ref'];
    }
    if (next === undefined) continue;
    const reason = `the reference ${JSON.stringify(first)} leads in a circle, and to nothing that could be checked`;
    return { pointer, reason, isOfDialect: false };
  }
  return undefined;
}

/** What a pointer within the document leads to. */
function partAt(schema: JsonSchema, reference: string): unknown {
  if (!reference.startsWith('#/') && reference !== '#') return undefined;
  let part: unknown = schema;
  for (const step of reference.split('/').slice(1)) {
    const key = step
      .replace(/%[0-9a-f]{2}/gi, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)))
      .replaceAll('~1', '/')
      .replaceAll('~0', '~');
    part = typeof part === 'object' && part !== null ? (part as JsonSchema)[key] : undefined;
  }
  return part;
}

/** Where an error comes from that has no place: the last part that gives the same by itself, and so the innermost. */
function innermost({ message }: Error, ajv: Ajv, schema: JsonSchema): string {
  let found = '';
  const tryPart = (node: JsonSchema, pointer: string): void => {
    try {
      // A copy: what did not compile is remembered by its object.
      ajv.compile({ ...node });
    } catch (error) {
      if ((error as Error).message === message) found = pointer;
    }
  };
  walkSchema(schema, tryPart, () => {});
  return found;
}
