/**
 * Finds arguments that stand beside the field `arguments` instead of in it: a call that would run without them, or be
 * refused for lacking what its caller has sent.
 */
import type { JsonSchema } from '../../call/catalog.ts';
import { ToolError } from '../../call/tool-error.ts';

/** So many of the members are named. */
const NAMES_SHOWN = 5;

const knownMembers = new WeakMap<JsonSchema, ReadonlySet<string>>();

/**
 * Checks a body, or a message, that has no `arguments`.
 * @param fields what its members mean to the gateway, whatever the tool takes.
 * @throws {ToolError} invalid_request, where a member is one of the tool's own arguments.
 */
export function refuseMisplaced(
  body: Readonly<Record<string, unknown>>,
  schema: JsonSchema,
  fields: ReadonlySet<string>,
): void {
  const others = Object.keys(body).filter((name) => !fields.has(name));
  if (others.length === 0) return;
  const members = membersOf(schema);
  const misplaced = others.filter((name) => members.has(name));
  if (misplaced.length === 0) return;
  const shown = misplaced.slice(0, NAMES_SHOWN).map((name) => JSON.stringify(name));
  const example = `{"arguments": {${shown[0]}: …}}`;
  throw new ToolError(
    'invalid_request',
    `there is no "arguments", and the tool's own ${shown.join(', ')} ${misplaced.length === 1 ? 'stands' : 'stand'} ` +
      `beside it; put them inside: ${example}`,
  );
}

/** The names that an input schema declares at its top, whichever of its alternatives does. */
function membersOf(schema: JsonSchema): ReadonlySet<string> {
  let members = knownMembers.get(schema);
  if (!members) {
    const found = new Set<string>();
    collect(schema, schema, found, new Set());
    members = found;
    knownMembers.set(schema, members);
  }
  return members;
}

/** @param seen the schemas that have been looked at: one may refer to itself. */
function collect(schema: unknown, root: JsonSchema, found: Set<string>, seen: Set<unknown>): void {
  if (typeof schema !== 'object' || schema === null || seen.has(schema)) return;
  seen.add(schema);
  const {
    properties,
    allOf,
    anyOf,
    oneOf,
    if: condition,
    then: met,
    else: unmet,
    $ref,
  } = schema as JsonSchema;
  if (typeof properties === 'object' && properties !== null)
    for (const name of Object.keys(properties)) found.add(name);
  const parts = [allOf, anyOf, oneOf].flatMap((list) => (Array.isArray(list) ? list : []));
  for (const part of [...parts, condition, met, unmet, referred($ref, root)]) {
    collect(part, root, found, seen);
  }
}

/** What a reference within the schema points at; undefined for any other. */
function referred(reference: unknown, root: JsonSchema): unknown {
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return undefined;
  let at: unknown = root;
  for (const step of reference.slice(2).split('/')) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}
