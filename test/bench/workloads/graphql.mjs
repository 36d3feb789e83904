/**
 * (u) Echo by a mutation of GraphQL beside the same by REST: what the operation costs. On one connection nobody waits for
 * anybody else, so the times of both differ by that alone.
 */
import { ours } from '../harness/contestants.mjs';
import { httpEntry } from '../harness/http-rounds.mjs';
import { graphqlRequest, TEXT, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const CONNECTIONS = 32;
const MUTATION = 'mutation ($arguments: JSON) { call(tool: "echo", arguments: $arguments) { data } }';

export const title = '(u) echo by GraphQL beside REST, 32 connections, and one';
export const columns = ['perSecond', 'p50Ms', 'p99Ms', 'cpuUs'];
export const targets = [
  {
    of: 'ours-one',
    field: 'p50Ms',
    less: 'ours-rest-one',
    atMost: 1,
    text: 'ms that GraphQL takes longer than REST, at the median, on one connection',
  },
];

export function run(plan) {
  const gateway = ours({ GRAPHQL: 'on' });
  const arguments_ = { text: TEXT };
  const operation = graphqlRequest(MUTATION, { arguments: arguments_ }, 'application/json', TEXT);
  const rest = toolRequest('echo', arguments_);
  const entry = (request, id, label, beside = 'ours', connections = CONNECTIONS) =>
    httpEntry(gateway, request, plan, { id, beside, label, connections });
  return runRounds(
    [
      entry(operation, 'ours', 'this gateway, GraphQL'),
      entry(rest, 'ours-rest', 'this gateway, REST'),
      entry(operation, 'ours-one', 'this gateway, GraphQL, 1', 'ours-one', 1),
      entry(rest, 'ours-rest-one', 'this gateway, REST, 1', 'ours-one', 1),
    ],
    plan,
  );
}
