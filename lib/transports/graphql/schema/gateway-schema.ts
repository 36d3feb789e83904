/**
 * The schema of one catalog: fields for any tool, and a field of its own for each that can be typed.
 *
 * G1. Two tools whose names are the same in GraphQL have no field of their own: none of them may stand for the other.
 * G2. What cannot be typed is told with the reason, and called by the fields for any tool.
 * G3. Whatever schemas tools have, the fields for any tool are there: should the types of all together be no schema, they
 *     are left out.
 */
import {
  type GraphQLFieldConfig,
  GraphQLFloat,
  GraphQLID,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  validateSchema,
} from 'graphql';
import type { Catalog, ToolDescriptor } from '../../../call/catalog.ts';
import type { TransportLog } from '../../rendering/transport-log.ts';
import type { FieldCall, FinishedCall, Operation } from '../operations/operation.ts';
import { callEventType, repeatType, subscribedEvent } from './call-event.ts';
import { jsonOf, textOf } from './json-text.ts';
import { fieldName } from './names.ts';
import { JsonScalar, SafeIntScalar } from './scalars.ts';
import { type InputMembers, TypedInputs, type Untyped } from './typed-inputs.ts';

type Field = GraphQLFieldConfig<unknown, Operation>;

/** A tool, and its own field: what that takes, or why there is none. */
interface ListedTool {
  readonly tool: ToolDescriptor;
  readonly field: string | undefined;
  readonly members: InputMembers | Untyped;
}

/** The namespace of typed fields hands its own argument down. */
interface TypedScope {
  readonly timeoutMs?: number | null;
}

const required = <T extends ConstructorParameters<typeof GraphQLNonNull>[0]>(type: T) =>
  new GraphQLNonNull(type);

export function gatewaySchema({ tools }: Catalog, log: TransportLog): GraphQLSchema {
  const listed = listTools(tools);
  try {
    const schema = newSchema(listed);
    const [flaw] = validateSchema(schema);
    if (!flaw) return schema;
    log('error', 'the tools have no typed fields in GraphQL', { error: flaw });
  } catch (error) {
    log('error', 'the tools have no typed fields in GraphQL', { error });
  }
  const members = {
    reason: 'the types of all tools together are no schema; the log of the gateway says why',
  };
  return newSchema(listed.map(({ tool }) => ({ tool, field: undefined, members })));
}

function listTools(tools: readonly ToolDescriptor[]): readonly ListedTool[] {
  const byField = new Map<string, string[]>();
  for (const { name } of tools) {
    const field = fieldName(name);
    if (field !== undefined) byField.set(field, [...(byField.get(field) ?? []), name]);
  }
  return tools.map((tool) => {
    const field = fieldName(tool.name);
    if (field === undefined) {
      return { tool, field, members: { reason: 'its name has no form as a GraphQL name' } };
    }
    const others = byField.get(field)?.filter((name) => name !== tool.name) ?? [];
    if (others.length > 0) {
      return { tool, field, members: { reason: `${field} would be ${others.join(', ')} as well` } };
    }
    const members = new TypedInputs(tool.inputSchema).membersOf(tool.inputSchema, [field]);
    return { tool, field, members };
  });
}

function newSchema(listed: readonly ListedTool[]): GraphQLSchema {
  const typed = listed.flatMap(({ tool, field, members }) =>
    field !== undefined && 'fields' in members ? [[field, typedField(tool, members)] as const] : [],
  );
  const result = callResultType();
  const event = callEventType();
  const call = {
    tool: { type: required(GraphQLString), description: 'Its name, as `tools` lists it.' },
    arguments: { type: JsonScalar, description: 'An object; default {}.' },
    timeoutMs: { type: GraphQLInt, description: 'The call ends after so many milliseconds at the latest.' },
  };
  return new GraphQLSchema({
    query: queryType(listed),
    mutation: new GraphQLObjectType<unknown, Operation>({
      name: 'Mutation',
      fields: {
        call: {
          type: result,
          description: 'Runs a tool to its end.',
          args: call,
          resolve: (_, field, operation) => operation.run(field as FieldCall),
        },
        ...(typed.length > 0 ? { tools: scopeOf(Object.fromEntries(typed)) } : {}),
      },
    }),
    subscription: new GraphQLObjectType<unknown, Operation>({
      name: 'Subscription',
      fields: {
        call: {
          type: event,
          description: 'Runs a tool and tells its events. Ending the subscription ends the call.',
          args: {
            ...call,
            result: {
              type: repeatType(),
              description:
                'How much of its chunks the last event repeats, where the tool returned nothing else.',
            },
          },
          subscribe: (_, field, operation) => operation.stream(field as FieldCall),
          resolve: subscribedEvent,
        },
      },
    }),
  });
}

/** The typed fields, below one field so that no tool's name meets another of the gateway's. */
const scopeOf = (fields: Record<string, Field>): Field => ({
  type: required(
    new GraphQLObjectType({
      name: 'ToolCalls',
      description: 'A field for each tool; it is what the tool returned, or the list of its chunks.',
      fields,
    }),
  ),
  description: 'The tools, by their own arguments.',
  args: {
    timeoutMs: { type: GraphQLInt, description: 'Each call ends after so many milliseconds at the latest.' },
  },
  resolve: (_, { timeoutMs }): TypedScope => ({ timeoutMs }),
});

const typedField = (tool: ToolDescriptor, { fields, toJson }: InputMembers): Field => ({
  type: JsonScalar,
  description: `${tool.description} (${tool.name})`,
  args: fields,
  async resolve(scope, values, operation) {
    const { timeoutMs = null } = scope as TypedScope;
    const { end } = await operation.run({ tool: tool.name, arguments: toJson(values), timeoutMs });
    return textOf(end.data);
  },
});

function queryType(listed: readonly ListedTool[]): GraphQLObjectType<unknown, Operation> {
  const type = toolType();
  return new GraphQLObjectType<unknown, Operation>({
    name: 'Query',
    fields: {
      tools: {
        type: required(new GraphQLList(required(type))),
        description: 'All tools, sorted by name.',
        resolve: () => listed,
      },
      tool: {
        type,
        description: 'One tool; null where there is none of that name.',
        args: { name: { type: required(GraphQLString) } },
        resolve: (_, { name }) => listed.find(({ tool }) => tool.name === name) ?? null,
      },
    },
  });
}

function toolType(): GraphQLObjectType<ListedTool, Operation> {
  const text = (of: (listed: ListedTool) => string | undefined, description?: string) => ({
    type: GraphQLString,
    ...(description === undefined ? {} : { description }),
    resolve: of,
  });
  const json = (of: (tool: ToolDescriptor) => unknown) => ({
    type: JsonScalar,
    resolve: ({ tool }: ListedTool) => jsonOf(of(tool)),
  });
  return new GraphQLObjectType<ListedTool, Operation>({
    name: 'Tool',
    fields: {
      name: { type: required(GraphQLString), resolve: ({ tool }) => tool.name },
      title: text(({ tool }) => tool.title),
      description: { type: required(GraphQLString), resolve: ({ tool }) => tool.description },
      inputSchema: json((tool) => tool.inputSchema),
      outputSchema: json((tool) => tool.outputSchema),
      chunkSchema: json((tool) => tool.chunkSchema),
      annotations: json((tool) => tool.annotations),
      field: text(
        ({ field, members }) => ('fields' in members ? field : undefined),
        'Its field in `Mutation.tools`; null where it has none.',
      ),
      untypedReason: text(
        ({ members }) => ('reason' in members ? members.reason : undefined),
        'Why it has no field of its own; call it by `Mutation.call`.',
      ),
    },
  });
}

const callResultType = (): GraphQLObjectType<FinishedCall, Operation> =>
  new GraphQLObjectType<FinishedCall, Operation>({
    name: 'CallResult',
    fields: {
      callId: { type: required(GraphQLID) },
      data: {
        type: JsonScalar,
        description: 'What the tool returned, or the list of its chunks.',
        resolve: ({ end }) => textOf(end.data),
      },
      chunks: { type: required(SafeIntScalar), resolve: ({ end }) => end.chunks },
      durationMs: { type: required(GraphQLFloat), resolve: ({ end }) => end.durationMs },
      meta: { type: JsonScalar, resolve: ({ end }) => textOf(end.meta) },
    },
  });
