/** The options of GraphQL. */
import { option, type ValuesOf } from '../../config/option.ts';
import { onOff, wholeNumber } from '../../config/value-kind.ts';
import { socketCalls } from '../rendering/options.ts';

export const graphqlOptions = {
  graphql: option({
    env: 'GRAPHQL',
    flag: '--graphql',
    kind: onOff(),
    default: 'off',
    summary: 'Whether `/graphql` serves the tools as GraphQL; it needs the package `graphql` (16) and a key.',
    reason: 'Few need it, and its package is not among those that are installed.',
  }),
  graphqlCalls: option({
    env: 'GRAPHQL_CALLS',
    flag: '--graphql-calls',
    kind: wholeNumber(1, 1000, 'calls'),
    default: '1',
    summary: 'Calls that one GraphQL operation may make; one with more is refused before any is made.',
    reason: 'By aliases a small request can ask for hundreds.',
  }),
  socketCalls,
};

export type GraphqlOptions = ValuesOf<typeof graphqlOptions>;
