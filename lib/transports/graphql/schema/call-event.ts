/**
 * What a subscription tells: the events of its call. Chunks come in batches, as the thread has sent them.
 *
 * V1. A call that fails ends with a result whose error is the call's: a source that throws would end without one.
 */
import {
  GraphQLBoolean,
  GraphQLEnumType,
  GraphQLFloat,
  GraphQLID,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLString,
  GraphQLUnionType,
} from 'graphql';
import { graphqlError } from '../operations/graphql-error.ts';
import type { CallEvent, ToldEvent } from '../operations/operation.ts';
import { JsonText, textOf } from './json-text.ts';
import { JsonScalar, SafeIntScalar } from './scalars.ts';

type Told<T extends ToldEvent['type']> = Extract<ToldEvent, { readonly type: T }>;

/** The resolver of the subscription's field. @throws {GraphQLError} of the call's error. */
export function subscribedEvent(told: unknown): CallEvent {
  const { call, event } = told as CallEvent;
  if (event.type === 'error') throw graphqlError(event.error, call.callId);
  return told as CallEvent;
}

export const repeatType = (): GraphQLEnumType =>
  new GraphQLEnumType({
    name: 'ResultRepeat',
    description: 'Without one: up to the size that the gateway is set to (REPEAT_BYTES).',
    values: { NONE: { value: 'none' }, FULL: { value: 'full' } },
  });

const TYPE_OF = {
  started: 'CallStarted',
  progress: 'CallProgress',
  chunks: 'CallChunks',
  result: 'CallSucceeded',
} as const;

export function callEventType(): GraphQLUnionType {
  const required = (type: GraphQLOutputType) => new GraphQLNonNull(type as never);
  const callId = { type: required(GraphQLID), resolve: ({ call }: CallEvent) => call.callId };
  const of =
    <T extends ToldEvent['type']>(read: (event: Told<T>) => unknown) =>
    ({ event }: CallEvent) =>
      read(event as Told<T>);
  return new GraphQLUnionType({
    name: 'CallEvent',
    description:
      'In this order: started, progress and chunks as they come, succeeded; or an error of the field.',
    types: [
      new GraphQLObjectType<CallEvent>({
        name: TYPE_OF.started,
        fields: {
          callId,
          tool: { type: required(GraphQLString), resolve: ({ call }) => call.request.name },
        },
      }),
      new GraphQLObjectType<CallEvent>({
        name: TYPE_OF.progress,
        fields: {
          callId,
          progress: { type: required(GraphQLFloat), resolve: of<'progress'>((event) => event.progress) },
          total: { type: GraphQLFloat, resolve: of<'progress'>((event) => event.total) },
          message: { type: required(GraphQLString), resolve: of<'progress'>((event) => event.message) },
        },
      }),
      new GraphQLObjectType<CallEvent>({
        name: TYPE_OF.chunks,
        fields: {
          callId,
          index: {
            type: required(SafeIntScalar),
            description: 'Of the first of these chunks; the others follow it.',
            resolve: of<'chunks'>((event) => event.index),
          },
          items: {
            type: required(new GraphQLList(JsonScalar)),
            resolve: of<'chunks'>((event) => event.items.map((item) => new JsonText(item))),
          },
        },
      }),
      new GraphQLObjectType<CallEvent>({
        name: TYPE_OF.result,
        fields: {
          callId,
          data: {
            type: JsonScalar,
            description: 'What the tool returned, or the list of its chunks.',
            resolve: of<'result'>((event) => textOf(event.data)),
          },
          omitted: {
            type: required(GraphQLBoolean),
            description: 'Whether `data` is null because the list of chunks is not repeated.',
            resolve: of<'result'>((event) => event.data === null),
          },
          chunks: { type: required(SafeIntScalar), resolve: of<'result'>((event) => event.chunks) },
          durationMs: { type: required(GraphQLFloat), resolve: of<'result'>((event) => event.durationMs) },
          meta: { type: JsonScalar, resolve: of<'result'>((event) => textOf(event.meta)) },
        },
      }),
    ],
    resolveType: ({ event }: CallEvent) => TYPE_OF[event.type as keyof typeof TYPE_OF],
  });
}
