/** (u) Echo by a mutation of GraphQL beside the same by REST: what the operation costs. */
import { ours } from '../harness/contestants.mjs';
import { httpEntry } from '../harness/http-rounds.mjs';
import { graphqlRequest, TEXT, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const CONNECTIONS = 32;
const MUTATION = 'mutation ($arguments: JSON) { call(tool: "echo", arguments: $arguments) { data } }';

export const title = '(u) echo by GraphQL beside REST, 32 connections';
export const columns = ['perSecond', 'p50Ms', 'p99Ms', 'cpuUs'];

export function run(plan) {
  const gateway = ours({ GRAPHQL: 'on' });
  const arguments_ = { text: TEXT };
  const operation = graphqlRequest(MUTATION, { arguments: arguments_ }, 'application/json', TEXT);
  const entry = (request, id, label) =>
    httpEntry(gateway, request, plan, { id, beside: 'ours', label, connections: CONNECTIONS });
  return runRounds(
    [
      entry(operation, 'ours', 'this gateway, GraphQL'),
      entry(toolRequest('echo', arguments_), 'ours-rest', 'this gateway, REST'),
    ],
    plan,
  );
}
