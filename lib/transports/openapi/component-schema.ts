/**
 * A tool's schema as a component of an OpenAPI document, which reads JSON Schema 2020-12 and resolves references from
 * the top of the document.
 *
 * C1. Never wrong rather than complete: what has no clear translation becomes a schema that allows any object, with a
 *     note; the gateway validates by the tool's own schema anyway.
 */
import type { JsonSchema } from '../../call/catalog.ts';

const DIALECT_2020 = 'https://json-schema.org/draft/2020-12/schema';
/** Older dialects whose words have clear meanings in 2020-12. */
const OLDER = /^https?:\/\/json-schema\.org\/draft-0[467]\/schema#?$/;
const DIALECT_2019 = 'https://json-schema.org/draft/2019-09/schema';

/** Words that give a place another address than its path, or look one up while validating. */
const ADDRESSED = [
  '$id',
  '$anchor',
  '$dynamicRef',
  '$dynamicAnchor',
  '$recursiveRef',
  '$recursiveAnchor',
  'id',
];

/** Words whose values are data, not schemas. */
const DATA = new Set(['const', 'default', 'enum', 'example', 'examples', 'required', 'type', 'pattern']);
/** Words whose values are schemas by name. */
const NAMED = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);

/** @param component the name under which it will stand. */
export function componentSchema(schema: JsonSchema, component: string): JsonSchema {
  const { $schema = DIALECT_2020, $id: _, id: __, ...words } = schema; // its own address means nothing here
  const dialect = String($schema).replace(/#$/, '');
  const isOlder = OLDER.test(dialect);
  const isKnown = isOlder || dialect === DIALECT_2020 || dialect === DIALECT_2019;
  if (!isKnown || isAddressed(words)) return open(schema, dialect);
  const at = `#/components/schemas/${component}`;
  const isTuple = isOlder || dialect === DIALECT_2019;
  const translated = translate(words, { at, isOlder, isTuple }) as JsonSchema;
  return leadsNowhere(translated, translated, at) ? open(schema, dialect) : translated;
}

/** Whether a reference has no target, which may have got another path by the translation: no reader takes that. */
function leadsNowhere(value: unknown, top: JsonSchema, at: string, isNames = false): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some((item) => leadsNowhere(item, top, at));
  return Object.entries(value).some(([word, part]) => {
    if (!isNames && word === '$ref') return !hasTarget(String(part).slice(at.length), top);
    return (isNames || !DATA.has(word)) && leadsNowhere(part, top, at, !isNames && NAMED.has(word));
  });
}

/** @param pointer what stands behind the `#`. */
function hasTarget(pointer: string, top: JsonSchema): boolean {
  if (pointer !== '' && !pointer.startsWith('/')) return false;
  let found: unknown = top;
  for (const part of pointer.split('/').slice(1)) {
    const name = unescaped(part).replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return false;
    found = (found as Record<string, unknown>)[name];
  }
  return (typeof found === 'object' && found !== null && !Array.isArray(found)) || typeof found === 'boolean';
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function open({ description }: JsonSchema, dialect: string): JsonSchema {
  const note = `The tool's own schema (${dialect}) has no equal here; GET /tools shows it.`;
  return { type: 'object', description: description === undefined ? note : `${description} ${note}` };
}

interface Translation {
  /** Where the schema's top will stand. */
  readonly at: string;
  /** True for draft-04, 06 and 07. */
  readonly isOlder: boolean;
  /** True where `items` may be a list. */
  readonly isTuple: boolean;
}

function isAddressed(value: unknown, isNames = false): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some((item) => isAddressed(item));
  return Object.entries(value).some(([word, part]) => {
    if (isNames) return isAddressed(part);
    if (ADDRESSED.includes(word)) return true;
    if (word === '$ref' && !(typeof part === 'string' && part.startsWith('#'))) return true;
    return !DATA.has(word) && isAddressed(part, NAMED.has(word));
  });
}

function translate(value: unknown, how: Translation): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => translate(item, how));
  const words = value as Record<string, unknown>;
  const translated: Record<string, unknown> = {};
  for (const [word, part] of Object.entries(words)) {
    if (word === '$ref') translated[word] = moved(String(part), how);
    else if (word === '$schema' || word === '$comment') continue;
    else if (DATA.has(word)) translated[word] = part;
    else if (NAMED.has(word)) translated[word] = translateNamed(part, how);
    else if (word === 'dependencies' && how.isOlder) Object.assign(translated, dependencies(part, how));
    else translated[word] = translate(part, how);
  }
  if (how.isTuple) tuple(translated);
  if (how.isOlder) exclusiveBounds(translated);
  return translated;
}

const moved = ($ref: string, { at }: Translation): string => at + $ref.slice(1);

function translateNamed(part: unknown, how: Translation): unknown {
  if (typeof part !== 'object' || part === null) return part;
  return Object.fromEntries(Object.entries(part).map(([name, schema]) => [name, translate(schema, how)]));
}

/** A list of `items` is `prefixItems` since 2020-12, and what follows them `items`. */
function tuple(words: Record<string, unknown>): void {
  if (Array.isArray(words['items'])) {
    words['prefixItems'] = words['items'];
    if (words['additionalItems'] === undefined) delete words['items'];
    else words['items'] = words['additionalItems'];
  }
  delete words['additionalItems'];
}

/** In draft-04 `exclusiveMinimum` says how `minimum` is meant. */
function exclusiveBounds(words: Record<string, unknown>): void {
  for (const [exclusive, bound] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    const isExclusive = words[exclusive];
    if (typeof isExclusive !== 'boolean') continue;
    delete words[exclusive];
    if (!isExclusive || words[bound] === undefined) continue;
    words[exclusive] = words[bound];
    delete words[bound];
  }
}

/** `dependencies` became two words: lists of names, and schemas. */
function dependencies(part: unknown, how: Translation): Record<string, unknown> {
  const entries = Object.entries((part ?? {}) as Record<string, unknown>);
  const lists = entries.filter(([, value]) => Array.isArray(value));
  const schemas = entries.filter(([, value]) => !Array.isArray(value));
  return {
    ...(lists.length > 0 ? { dependentRequired: Object.fromEntries(lists) } : {}),
    ...(schemas.length > 0
      ? {
          dependentSchemas: Object.fromEntries(schemas.map(([name, value]) => [name, translate(value, how)])),
        }
      : {}),
  };
}
