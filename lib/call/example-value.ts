/**
 * An example of what a JSON Schema allows: what a reader may start from, not a proof.
 *
 * X1. Prefers what the author says (`examples`, `default`, `const`, `enum`); else the least that each word asks for.
 * X2. Only required members are made, so that what it shows is what has to be given.
 */
import type { JsonSchema } from './catalog.ts';

/** Deeper than that a schema is taken to go round in circles. */
const MAX_DEPTH = 8;

export function exampleOf(schema: JsonSchema): unknown {
  return example(schema, schema, 0);
}

function example(schema: unknown, root: JsonSchema, depth: number): unknown {
  if (typeof schema !== 'object' || schema === null || depth > MAX_DEPTH) return null;
  const words = schema as JsonSchema;
  const { $ref, examples, const: only, enum: choices, default: usual } = words;
  if (Array.isArray(examples) && examples.length > 0) return examples[0];
  if (usual !== undefined) return usual;
  if (only !== undefined) return only;
  if (Array.isArray(choices) && choices.length > 0) return choices[0];
  if (typeof $ref === 'string') return example(target($ref, root), root, depth + 1);
  const [branch] = [words['anyOf'], words['oneOf'], words['allOf']].flatMap((list) =>
    Array.isArray(list) ? list : [],
  );
  if (branch !== undefined && words['properties'] === undefined) return example(branch, root, depth + 1);
  return byType(words, root, depth);
}

function byType(words: JsonSchema, root: JsonSchema, depth: number): unknown {
  const { type, properties, minimum, exclusiveMinimum } = words;
  switch (Array.isArray(type) ? type[0] : (type ?? (properties ? 'object' : undefined))) {
    case 'object':
      return members(words, root, depth);
    case 'array':
      return Array.from({ length: Math.min(Number(words['minItems'] ?? 0), 8) }, () =>
        example(words['items'], root, depth + 1),
      );
    case 'string':
      return text(words);
    case 'integer':
    case 'number':
      if (typeof minimum === 'number') return Math.ceil(minimum);
      if (typeof exclusiveMinimum === 'number') return Math.floor(exclusiveMinimum) + 1;
      return typeof words['maximum'] === 'number' ? Math.min(1, Math.floor(words['maximum'])) : 1;
    case 'boolean':
      return true;
    default:
      return null;
  }
}

function members({ properties, required }: JsonSchema, root: JsonSchema, depth: number): object {
  const schemas = (properties ?? {}) as Readonly<Record<string, unknown>>;
  const names = Array.isArray(required) ? required.map(String) : [];
  return Object.fromEntries(names.map((name) => [name, example(schemas[name], root, depth + 1)]));
}

const BY_FORMAT: Readonly<Record<string, string>> = {
  'date-time': '2026-01-31T12:00:00Z',
  date: '2026-01-31',
  time: '12:00:00Z',
  email: 'someone@example.com',
  uri: 'https://example.com/',
  uuid: '01890a5d-ac96-774b-bcce-b302099a8057',
};

function text({ format, minLength }: JsonSchema): string {
  const known = typeof format === 'string' ? BY_FORMAT[format] : undefined;
  return known ?? 'text'.padEnd(Math.min(Number(minLength ?? 0), 256), 'x');
}

function target($ref: string, root: JsonSchema): unknown {
  if (!$ref.startsWith('#')) return undefined;
  let at: unknown = root;
  for (const step of $ref.slice(1).split('/').slice(1)) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    at = typeof at === 'object' && at !== null ? (at as JsonSchema)[name] : undefined;
  }
  return at;
}
