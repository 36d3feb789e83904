/** GraphQL: tools as fields, their streams as subscriptions over SSE and WebSocket. Off unless it is asked for. */
import type { TransportEntry } from '../transport.ts';
import { graphqlOptions } from './options.ts';

const NAME = 'graphql';

export const graphql = {
  name: NAME,
  opens: 'listen',
  options: graphqlOptions,
  rules: [],
  load: async () => new (await import('./graphql-transport.ts')).GraphqlTransport(NAME),
} as const satisfies TransportEntry;
