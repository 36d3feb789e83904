/**
 * JSON Schemas of arguments as GraphQL types.
 *
 * I1. A type is never narrower than its schema: what a schema allows can be said, or the schema has no type and takes
 *     JSON. It may be wider: the tool's own check is on its thread, as for every transport.
 * I2. Required is what the schema requires, has no default for, and does not allow to be null. What refers to an object
 *     (`$ref`) never is: two that require each other could not be written down.
 * I3. Null for what may be left out and cannot be null means that it is left out: clients send it for variables that are
 *     not set.
 */
import {
  GraphQLBoolean,
  GraphQLEnumType,
  GraphQLFloat,
  type GraphQLInputFieldConfig,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLString,
} from 'graphql';
import type { JsonSchema } from '../../../call/catalog.ts';
import { fieldName, typeName, valueName } from './names.ts';
import { JsonScalar, SafeIntScalar } from './scalars.ts';

/** A value's type, and what it is in the tool's own words. */
interface InputType {
  readonly type: GraphQLInputType;
  /** Of a value that is neither null nor absent. */
  toJson(value: unknown): unknown;
}

/** An object's members by their GraphQL names. */
export interface InputMembers {
  readonly fields: Readonly<Record<string, GraphQLInputFieldConfig>>;
  toJson(values: Readonly<Record<string, unknown>>): Record<string, unknown>;
}

/** Why there are no types for an object's members. */
export interface Untyped {
  readonly reason: string;
}

interface Member {
  /** In the tool's own schema. */
  readonly name: string;
  readonly allowsNull: boolean;
  readonly input: InputType;
}

const MAX_INT = 2 ** 31 - 1;
/** So many references and choices are followed for whether a value may be null. */
const MAX_STEPS = 16;
const asItIs = (value: unknown): unknown => value;
const JSON_INPUT: InputType = { type: JsonScalar, toJson: asItIs };

const isSchema = (schema: unknown): schema is JsonSchema =>
  typeof schema === 'object' && schema !== null && !Array.isArray(schema);

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The types of one tool's arguments. */
export class TypedInputs {
  readonly #root: JsonSchema;
  /** By what `$ref` points at, so that a schema may refer to itself. */
  readonly #referred = new Map<JsonSchema, InputType>();

  constructor(root: JsonSchema) {
    this.#root = root;
  }

  /** @param path names of the tool and the members on the way, as GraphQL has them. */
  membersOf(schema: JsonSchema, path: readonly string[]): InputMembers | Untyped {
    const refusal = refusalOf(schema);
    if (refusal !== undefined) return { reason: refusal };
    const properties = isSchema(schema['properties']) ? schema['properties'] : {};
    const required = listOf(schema['required']);
    const names = new Map<string, string>();
    for (const name of Object.keys(properties)) {
      const field = fieldName(name);
      if (field === undefined) return { reason: `${JSON.stringify(name)} has no form as a GraphQL name` };
      const other = names.get(field);
      if (other !== undefined) {
        return {
          reason: `${JSON.stringify(other)} and ${JSON.stringify(name)} are both ${field} in GraphQL`,
        };
      }
      names.set(field, name);
    }
    const members = new Map<string, Member>();
    const fields: Record<string, GraphQLInputFieldConfig> = {};
    for (const [field, name] of names) {
      const property = properties[name];
      const member = {
        name,
        allowsNull: this.#allowsNull(property),
        input: this.#typeOf(property, [...path, field]),
      };
      members.set(field, member);
      const isRequired = required.includes(name) && !member.allowsNull && mayBeRequired(property);
      const { type } = member.input;
      fields[field] = {
        type: isRequired ? new GraphQLNonNull(type) : type,
        description: describe(property, name, field) || null,
      };
    }
    return { fields, toJson: (values) => membersToJson(members, values) };
  }

  #typeOf(schema: unknown, path: readonly string[]): InputType {
    if (!isSchema(schema)) return JSON_INPUT;
    const { $ref, allOf } = schema;
    if ($ref !== undefined) return this.#typeOfReferred($ref, path);
    const choices = [...listOf(schema['anyOf']), ...listOf(schema['oneOf'])];
    if (choices.length > 0) {
      const others = choices.filter((one) => !isNullSchema(one));
      const values = others.flatMap((one) => valuesOf(one) ?? [undefined]);
      if (!values.includes(undefined)) return enumInput(values, schema, path);
      return others.length === 1 ? this.#typeOf(others[0], path) : JSON_INPUT;
    }
    if (allOf !== undefined)
      return listOf(allOf).length === 1 ? this.#typeOf(listOf(allOf)[0], path) : JSON_INPUT;
    const values = valuesOf(schema);
    if (values) return enumInput(values, schema, path);
    const types = listOf(schema['type']).filter((type) => type !== 'null');
    switch (types.length === 1 ? types[0] : schema['type']) {
      case 'string':
        return { type: GraphQLString, toJson: asItIs };
      case 'boolean':
        return { type: GraphQLBoolean, toJson: asItIs };
      case 'number':
        return { type: GraphQLFloat, toJson: asItIs };
      case 'integer':
        return { type: hasShortBounds(schema) ? GraphQLInt : SafeIntScalar, toJson: asItIs };
      case 'array':
        return this.#listOf(schema, path);
      case 'object':
        return this.#objectOf(schema, path);
      default:
        return JSON_INPUT;
    }
  }

  /** Whether null is a value of its own, as far as the schema says so at its top. */
  #allowsNull(schema: unknown, steps = MAX_STEPS): boolean {
    if (!isSchema(schema)) return schema !== false;
    if (steps === 0) return false;
    const { type, $ref } = schema;
    if ($ref !== undefined) return this.#allowsNull(referred($ref, this.#root), steps - 1);
    const choices = [...listOf(schema['anyOf']), ...listOf(schema['oneOf'])];
    if (choices.length > 0) return choices.some((one) => this.#allowsNull(one, steps - 1));
    const values = valuesOf(schema);
    if (values) return values.includes(null);
    if (type !== undefined) return type === 'null' || listOf(type).includes('null');
    return listOf(schema['allOf']).every((one) => this.#allowsNull(one, steps - 1));
  }

  #typeOfReferred($ref: unknown, path: readonly string[]): InputType {
    const schema = referred($ref, this.#root);
    if (!isSchema(schema)) return JSON_INPUT;
    const known = this.#referred.get(schema);
    if (known) return known;
    // Whatever refers to this while its type is being found; an object's is known before its members' types are.
    this.#referred.set(schema, JSON_INPUT);
    const found = this.#typeOf(schema, path);
    this.#referred.set(schema, found);
    return found;
  }

  #listOf({ items, prefixItems }: JsonSchema, path: readonly string[]): InputType {
    if (prefixItems !== undefined || !isSchema(items)) return JSON_INPUT;
    const { type, toJson } = this.#typeOf(items, path);
    const isNullable = this.#allowsNull(items);
    const one = (value: unknown): unknown => (value === null ? null : toJson(value));
    return {
      type: new GraphQLList(isNullable ? type : new GraphQLNonNull(type)),
      toJson: (values) => (values as readonly unknown[]).map(one),
    };
  }

  #objectOf(schema: JsonSchema, path: readonly string[]): InputType {
    if (!isSchema(schema['properties']) || Object.keys(schema['properties']).length === 0) return JSON_INPUT;
    let members: InputMembers | Untyped | undefined;
    const name = typeName(path);
    const type = new GraphQLInputObjectType({
      name,
      ...(typeof schema['description'] === 'string' ? { description: schema['description'] } : {}),
      fields: () => (members && 'fields' in members ? members.fields : {}),
    });
    const input: InputType = {
      type,
      toJson: (value) =>
        members && 'fields' in members ? members.toJson(value as Readonly<Record<string, unknown>>) : value,
    };
    if (this.#referred.get(schema) === JSON_INPUT) this.#referred.set(schema, input);
    members = this.membersOf(schema, path);
    return 'reason' in members ? JSON_INPUT : input;
  }
}

/** Why an object cannot be told by its members. */
function refusalOf(schema: JsonSchema): string | undefined {
  const { properties, additionalProperties, patternProperties, $ref } = schema;
  if ($ref !== undefined) return 'its schema refers to another ($ref)';
  for (const keyword of ['anyOf', 'oneOf', 'allOf', 'if'] as const) {
    const parts = keyword === 'if' ? [schema['then'], schema['else']] : listOf(schema[keyword]);
    if (
      parts.some((part) => isSchema(part) && (part['properties'] !== undefined || part['$ref'] !== undefined))
    )
      return `its members depend on each other (${keyword})`;
  }
  const isOpen = isSchema(additionalProperties) && Object.keys(additionalProperties).length > 0;
  if (isOpen || patternProperties !== undefined) return 'it takes members of any name';
  const hasNone = !isSchema(properties) || Object.keys(properties).length === 0;
  if (hasNone && additionalProperties !== undefined && additionalProperties !== false)
    return 'it takes members of any name';
  return undefined;
}

/** The values of an enum or a constant; undefined for any other schema. */
function valuesOf(schema: unknown): readonly unknown[] | undefined {
  if (!isSchema(schema)) return undefined;
  if (schema['const'] !== undefined) return [schema['const']];
  return Array.isArray(schema['enum']) ? schema['enum'] : undefined;
}

/** Texts that have names of their own are an enum; others are told as what they are. */
function enumInput(all: readonly unknown[], schema: JsonSchema, path: readonly string[]): InputType {
  const values = all.filter((value) => value !== null);
  if (values.length === 0) return JSON_INPUT;
  if (values.every(Number.isInteger)) return { type: SafeIntScalar, toJson: asItIs };
  if (values.every((value) => typeof value === 'number')) return { type: GraphQLFloat, toJson: asItIs };
  if (values.every((value) => typeof value === 'boolean')) return { type: GraphQLBoolean, toJson: asItIs };
  if (!values.every((value) => typeof value === 'string')) return JSON_INPUT;
  const names = new Map(values.map((value) => [valueName(value), value]));
  if (names.has(undefined) || names.size < new Set(values).size)
    return { type: GraphQLString, toJson: asItIs };
  const entries = [...names].map(([name, value]) => [name, { value, description: JSON.stringify(value) }]);
  const type = new GraphQLEnumType({
    name: typeName(path),
    ...(typeof schema['description'] === 'string' ? { description: schema['description'] } : {}),
    values: Object.fromEntries(entries),
  });
  return { type, toJson: asItIs };
}

function membersToJson(
  members: ReadonlyMap<string, Member>,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const [field, { name, allowsNull, input }] of members) {
    const value = values[field];
    if (value === undefined || (value === null && !allowsNull)) continue;
    json[name] = value === null ? null : input.toJson(value);
  }
  return json;
}

const isNullSchema = (schema: unknown): boolean =>
  isSchema(schema) && (schema['type'] === 'null' || schema['const'] === null);

const mayBeRequired = (schema: unknown): boolean =>
  !isSchema(schema) ||
  (schema['default'] === undefined && schema['$ref'] === undefined && schema['allOf'] === undefined);

function hasShortBounds({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: JsonSchema): boolean {
  const low = Math.max(
    ...[minimum, exclusiveMinimum].map((bound) => (typeof bound === 'number' ? bound : -Infinity)),
  );
  const high = Math.min(
    ...[maximum, exclusiveMaximum].map((bound) => (typeof bound === 'number' ? bound : Infinity)),
  );
  return low >= -MAX_INT && high <= MAX_INT;
}

/** What a reference within the schema points at; undefined for any other. */
function referred(reference: unknown, root: JsonSchema): unknown {
  if (reference === '#') return root;
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return undefined;
  let at: unknown = root;
  for (const step of reference.slice(2).split('/')) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}

/** The schema's own words, the name that it has there where that is another, and what holds where it is left out. */
function describe(schema: unknown, name: string, field: string): string {
  const { description, default: preset } = isSchema(schema) ? schema : ({} as JsonSchema);
  return [
    typeof description === 'string' ? description : '',
    name === field ? '' : `(${name})`,
    preset === undefined ? '' : `Default: ${JSON.stringify(preset)}.`,
  ]
    .filter(Boolean)
    .join(' ');
}
