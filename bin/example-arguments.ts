/**
 * Arguments that fit a tool's input schema, for an example that can be pasted: what the author gives as `examples` or
 * defaults, else values made for what is required.
 *
 * A1. What cannot be made for sure (a pattern, a rule that the schema cannot say) makes no example rather than a wrong
 *     one. Rules that only the tool's own code knows are not known here.
 */
import type { JsonSchema } from '../lib/index.ts';

/** Thrown within, where no value can be made. */
const NONE = Symbol('no example');
/** A schema may refer to itself. */
const MAX_DEPTH = 12;

/** @returns undefined where none can be made. */
export function exampleArguments(schema: JsonSchema): object | undefined {
  try {
    const example = valueFor(schema, schema, 0);
    return typeof example === 'object' && example !== null && !Array.isArray(example) ? example : undefined;
  } catch (thrown) {
    if (thrown === NONE) return undefined;
    throw thrown;
  }
}

function valueFor(schema: unknown, root: JsonSchema, depth: number): unknown {
  if (schema === true) return 'example';
  const whole = flattened(schema, root, depth);
  const { examples, const: only, default: fallback, enum: choices } = whole;
  if (Array.isArray(examples) && examples.length > 0) return examples[0];
  if (only !== undefined) return only;
  if (fallback !== undefined) return fallback;
  if (Array.isArray(choices) && choices.length > 0) return choices[0];
  for (const alternatives of [whole['anyOf'], whole['oneOf']]) {
    if (Array.isArray(alternatives)) return alternative(alternatives, whole, root, depth);
  }
  return ofType(whole, root, depth);
}

/** A schema together with what it refers to, and with all of `allOf`. */
function flattened(schema: unknown, root: JsonSchema, depth: number): Record<string, unknown> {
  if (typeof schema !== 'object' || schema === null || depth > MAX_DEPTH) throw NONE;
  const { $ref, allOf, ...whole } = schema as Record<string, unknown>;
  const parts = [...listOf(allOf), ...(typeof $ref === 'string' ? [referred($ref, root)] : [])];
  for (const part of parts) if (part !== true) merge(whole, flattened(part, root, depth + 1));
  return whole;
}

function referred(reference: string, root: JsonSchema): unknown {
  if (!reference.startsWith('#')) throw NONE;
  let at: unknown = root;
  for (const step of reference.split('/').slice(1)) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    at = typeof at === 'object' && at !== null ? (at as JsonSchema)[name] : undefined;
  }
  return at;
}

function merge(into: Record<string, unknown>, { properties, required, ...rest }: JsonSchema): void {
  for (const [keyword, value] of Object.entries(rest)) into[keyword] ??= value;
  if (properties) into['properties'] = { ...(properties as object), ...(into['properties'] as object) };
  if (Array.isArray(required)) into['required'] = [...listOf(into['required']), ...required];
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The first alternative that a value can be made for, together with what stands beside the alternatives. */
function alternative(list: readonly unknown[], beside: JsonSchema, root: JsonSchema, depth: number): unknown {
  const { anyOf: _any, oneOf: _one, ...rest } = beside;
  for (const one of list) {
    try {
      const whole = { ...rest };
      merge(whole, flattened(one, root, depth + 1));
      return valueFor(whole, root, depth + 1);
    } catch (thrown) {
      if (thrown !== NONE) throw thrown;
    }
  }
  throw NONE;
}

function ofType(schema: JsonSchema, root: JsonSchema, depth: number): unknown {
  switch (typeOf(schema)) {
    case 'object':
      return objectFor(schema, root, depth);
    case 'array':
      return arrayFor(schema, root, depth);
    case 'string':
      return textFor(schema);
    case 'number':
      return numberFor(schema, 0);
    case 'integer':
      return numberFor(schema, 1);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      throw NONE;
  }
}

function typeOf({ type, properties, items, ...rest }: JsonSchema): unknown {
  if (Array.isArray(type)) return type.find((one) => one !== 'null') ?? 'null';
  if (type !== undefined) return type;
  if (properties || rest['required']) return 'object';
  return items || rest['prefixItems'] ? 'array' : 'string';
}

function objectFor(schema: JsonSchema, root: JsonSchema, depth: number): object {
  const properties = (schema['properties'] ?? {}) as JsonSchema;
  const made: Record<string, unknown> = {};
  for (const name of listOf(schema['required']) as readonly string[]) {
    made[name] ??= valueFor(properties[name] ?? schema['additionalProperties'] ?? true, root, depth + 1);
  }
  const least = Number(schema['minProperties'] ?? 0);
  for (const name of Object.keys(properties)) {
    if (Object.keys(made).length >= least) break;
    made[name] ??= valueFor(properties[name], root, depth + 1);
  }
  if (Object.keys(made).length < least) throw NONE;
  return made;
}

function arrayFor(schema: JsonSchema, root: JsonSchema, depth: number): readonly unknown[] {
  const first = listOf(schema['prefixItems']);
  const least = Math.max(Number(schema['minItems'] ?? 0), first.length);
  if (least > 100 || (schema['uniqueItems'] === true && least > 1)) throw NONE;
  const count = schema['maxItems'] === 0 ? 0 : Math.max(least, 1);
  return Array.from({ length: count }, (_, at) =>
    valueFor(first[at] ?? schema['items'] ?? true, root, depth + 1),
  );
}

function numberFor(schema: JsonSchema, whole: 0 | 1): number {
  const bound = (name: string, otherwise: number) =>
    typeof schema[name] === 'number' ? (schema[name] as number) : otherwise;
  const step = bound('multipleOf', whole);
  const above = bound('exclusiveMinimum', -Infinity);
  const least = Math.max(bound('minimum', -Infinity), above);
  const most = Math.min(bound('maximum', Infinity), bound('exclusiveMaximum', Infinity));
  const fits = (value: number) =>
    value >= bound('minimum', -Infinity) &&
    value > above &&
    value <= bound('maximum', Infinity) &&
    value < bound('exclusiveMaximum', Infinity) &&
    (step === 0 || Number.isInteger(value / step)) &&
    (whole === 0 || Number.isSafeInteger(value));
  const stride = step || 1;
  const nextTo = (from: number) => [
    Math.ceil(from / stride) * stride,
    (Math.floor(from / stride) + 1) * stride,
  ];
  const downFrom = (from: number) => [
    Math.floor(from / stride) * stride,
    (Math.ceil(from / stride) - 1) * stride,
  ];
  const candidates = [1, 10, ...nextTo(least), ...downFrom(most), (least + most) / 2, 0];
  const found = candidates.find((value) => Number.isFinite(value) && fits(value));
  if (found === undefined) throw NONE;
  return found;
}

/** Longer texts make no example. */
const LONGEST = 1000;

/** Values of the formats of JSON Schema; dates are in the past, addresses those kept for examples. */
const FORMATS: Readonly<Record<string, readonly string[]>> = {
  'date-time': ['2026-01-31T12:00:00Z'],
  date: ['2026-01-31'],
  time: ['12:00:00Z', '12:00:00'],
  duration: ['PT1H'],
  email: ['ada@example.com'],
  'idn-email': ['ada@example.com'],
  hostname: ['example.com'],
  'idn-hostname': ['example.com'],
  ipv4: ['192.0.2.1'],
  ipv6: ['2001:db8::1'],
  uri: ['https://example.com/'],
  url: ['https://example.com/'],
  iri: ['https://example.com/'],
  'uri-reference': ['/example'],
  'iri-reference': ['/example'],
  'uri-template': ['/example/{id}'],
  uuid: ['123e4567-e89b-42d3-a456-426614174000'],
  guid: ['123e4567-e89b-42d3-a456-426614174000'],
  'json-pointer': ['/example'],
  'relative-json-pointer': ['0'],
  regex: ['.*'],
  base64: ['ZXhhbXBsZQ=='],
  base64url: ['ZXhhbXBsZQ'],
  cidrv4: ['192.0.2.0/24'],
  cidrv6: ['2001:db8::/32'],
  e164: ['+14155550100'],
};

/** Tried where there is a pattern. */
const WORDS = [
  ...[
    'example',
    'Example',
    'EXAMPLE',
    'a',
    'A',
    'ab',
    'AB',
    'abc',
    'ABC',
    'example-1',
    'example_1',
    'a1',
    'A1',
  ],
  ...[
    '1',
    '12',
    '123',
    '1234',
    '12345',
    '123456',
    '0',
    '0.1',
    '1.0.0',
    'v1.0.0',
    'A-1',
    'ABC-123',
    'abc-123',
  ],
  ...[
    '#336699',
    '+14155550100',
    '0xff',
    'ff',
    '/example',
    './example',
    'a/b',
    'a.b',
    'a:b',
    'a b',
    'en',
    'en-US',
  ],
  ...Object.values(FORMATS).flat(),
];

function textFor({ format, pattern, minLength = 0, maxLength = Infinity }: JsonSchema): string {
  const least = Number(minLength);
  const most = Number(maxLength);
  if (least > LONGEST) throw NONE;
  const rule = typeof pattern === 'string' ? ruleOf(pattern) : undefined;
  const known = typeof format === 'string' ? FORMATS[format] : undefined;
  const stretched = WORDS.map((word) => word.repeat(least).slice(0, least));
  const found = (known ?? [...WORDS, ...stretched, '']).find(
    (text) => text.length >= least && text.length <= most && (rule?.test(text) ?? true),
  );
  if (found === undefined) throw NONE;
  return found;
}

function ruleOf(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch {
    throw NONE;
  }
}
