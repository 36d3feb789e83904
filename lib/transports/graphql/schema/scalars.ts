/**
 * The scalars that GraphQL does not have itself.
 *
 * S1. JSON written into a query is held to the bounds of any JSON that clients send (bounded-json.ts).
 */
import { GraphQLError, GraphQLScalarType, Kind, print, type ValueNode } from 'graphql';
import { JsonText, jsonOf } from './json-text.ts';

const MAX_DEPTH = 64;

type Variables = Readonly<Record<string, unknown>> | null | undefined;

export const JsonScalar = new GraphQLScalarType<unknown, JsonText | null>({
  name: 'JSON',
  description:
    'Any JSON value. In a query it is written as GraphQL writes values: {text: "hello"}. Names that GraphQL cannot ' +
    'write are for variables.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259',
  serialize: (value) => (value instanceof JsonText ? value : jsonOf(value)),
  parseValue: (value) => value,
  parseLiteral: (node, variables) => literal(node, variables, MAX_DEPTH),
});

function literal(node: ValueNode, variables: Variables, depth: number): unknown {
  if (depth < 0)
    throw new GraphQLError(`the JSON is nested deeper than ${MAX_DEPTH} levels`, { nodes: node });
  switch (node.kind) {
    case Kind.NULL:
      return null;
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.STRING:
    case Kind.BOOLEAN:
    case Kind.ENUM:
      return node.value;
    case Kind.LIST:
      return node.values.map((one) => literal(one, variables, depth - 1));
    case Kind.OBJECT: {
      const members: Record<string, unknown> = {};
      for (const { name, value } of node.fields) {
        if (name.value === '__proto__')
          throw new GraphQLError('the key "__proto__" is not accepted', { nodes: name });
        const isAbsent = value.kind === Kind.VARIABLE && variables?.[value.name.value] === undefined;
        if (!isAbsent) members[name.value] = literal(value, variables, depth - 1);
      }
      return members;
    }
    default:
      return variables?.[node.name.value] ?? null;
  }
}

export const SafeIntScalar = new GraphQLScalarType<number, number>({
  name: 'SafeInt',
  description: 'A whole number that JSON carries exactly: from -(2^53 - 1) to 2^53 - 1. Int has 32 bits.',
  serialize: (value) => checkSafe(value, String(value)),
  parseValue: (value) => checkSafe(value, JSON.stringify(value)),
  parseLiteral: (node) =>
    checkSafe(node.kind === Kind.INT ? Number(node.value) : undefined, print(node), node),
});

function checkSafe(value: unknown, shown: string | undefined, node?: ValueNode): number {
  if (Number.isSafeInteger(value)) return value as number;
  throw new GraphQLError(`SafeInt cannot represent ${shown?.slice(0, 60)}`, node ? { nodes: node } : {});
}
