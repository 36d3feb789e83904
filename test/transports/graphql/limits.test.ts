/** What one operation of GraphQL may ask for: bounded before anything of it is executed. */
import { expect } from 'chai';
import { getIntrospectionQuery } from 'graphql';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { JSON_POST } from '../start-transports.ts';

interface Answer {
  readonly status: number;
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: Record<string, unknown> }[];
}

describe('limits of GraphQL', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startGateway({ minWorkers: 1, maxWorkers: 2, graphql: true });
  });
  after(() => gateway.close());

  const ask = async (query: string, more: object = {}): Promise<Answer> => {
    const body = JSON.stringify({ query, ...more });
    const answer = await fetch(`${gateway.url}/graphql`, { ...JSON_POST, body });
    return { status: answer.status, ...((await answer.json()) as object) };
  };
  const codeOf = ({ errors }: Answer): unknown => errors?.[0]?.extensions['code'];
  const callsOf = (tool: string): number => gateway.gateway.stats().tools[tool]?.calls ?? 0;

  it('runs nothing of an operation with more calls than one, however they are written', async () => {
    const before = callsOf('echo');
    const call = 'call(tool: "echo", arguments: {text: "a"}) { data }';
    const aliases = Array.from({ length: 60 }, (_, n) => `a${n}: ${call}`).join(' ');
    const typed = 'tools { a: echo(text: "a") b: echo(text: "b") }';
    for (const document of [
      `mutation { ${aliases} }`,
      `mutation { ${typed} }`,
      `mutation { ${call} tools { echo(text: "b") } }`,
      `mutation { ...F } fragment F on Mutation { a: ${call} ... { b: ${call} } }`,
      `mutation { tools { ...F } again: tools { ...F } } fragment F on ToolCalls { echo(text: "a") }`,
    ]) {
      const answer = await ask(document);
      expect([codeOf(answer), answer.data], document).to.deep.equal(['too_complex', undefined]);
    }
    expect(callsOf('echo')).to.equal(before);
  });

  it('bounds documents: tokens, depth, fragments that multiply, introspection of itself', async () => {
    const bomb = Array.from(
      { length: 80 },
      (_, n) => `fragment F${n} on Mutation { ...F${n + 1} ...F${n + 1} }`,
    );
    const end = 'fragment F80 on Mutation { call(tool: "echo") { data } }';
    const cases: readonly (readonly [string, string])[] = [
      [`{ ${'tools { name } '.repeat(300)} }`, 'too_complex'],
      [`mutation { ...F0 } ${bomb.join(' ')} ${end}`, 'too_complex'],
      [
        '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }',
        'invalid_request',
      ],
      ['{ tools { name ', 'parse_error'],
      ['{ nothing }', 'invalid_request'],
      ['query A { tools { name } } query B { tools { name } }', 'invalid_request'],
    ];
    for (const [document, code] of cases)
      expect(codeOf(await ask(document)), document.slice(0, 80)).to.equal(code);
    const { data } = await ask(getIntrospectionQuery());
    expect(data).to.have.nested.property('__schema.mutationType.name', 'Mutation');
  });

  it('takes a field by one name: aliases multiply neither results nor introspection', async () => {
    const before = callsOf('echo');
    const many = (field: string) => Array.from({ length: 60 }, (_, n) => `a${n}: ${field}`).join(' ');
    const call = 'call(tool: "echo", arguments: {text: "a"})';
    for (const document of [
      `{ ${many('__schema { types { name } }')} }`,
      `{ __schema { types { ${many('fields { name }')} } } }`,
      '{ __schema { types { ...A ...B } } } fragment A on __Type { name } fragment B on __Type { b: name }',
      `{ ${many('tools { name }')} }`,
      '{ tools { name } tools { again: name } }',
      `{ tools { ${many('inputSchema')} } }`,
      `{ ${many('tool(name: "echo") { name }')} }`,
      `mutation { ${call} { ${many('data')} } }`,
      `subscription { ${call} { ... on CallSucceeded { data again: data } } }`,
    ]) {
      const answer = await ask(document);
      expect([codeOf(answer), answer.data], document.slice(0, 80)).to.deep.equal(['too_complex', undefined]);
    }
    expect(callsOf('echo')).to.equal(before);
    for (const document of [
      '{ all: tools { id: name } one: tool(name: "echo") { id: name } two: tool(name: "sum") { id: name } }',
      '{ a: __type(name: "Tool") { name } b: __type(name: "Query") { name } __schema { types { name } } }',
      `mutation { first: ${call} { result: data } }`,
      'query A { tools { name } } query B { tools { other: name } }',
    ]) {
      const answer = await ask(document, document.includes('query A') ? { operationName: 'B' } : {});
      expect(answer.errors, document).to.equal(undefined);
    }
  });

  it('bounds variables as it bounds all JSON', async () => {
    const query = 'mutation ($arguments: JSON) { call(tool: "raw_schema", arguments: $arguments) { data } }';
    const deep = JSON.parse(`${'{"a":'.repeat(70)}1${'}'.repeat(70)}`);
    const nested = await ask(query, { variables: { arguments: deep } });
    expect([nested.status, codeOf(nested)]).to.deep.equal([400, 'too_complex']);
    const body = JSON.stringify({ query }).replace(/}$/, ',"variables":{"arguments":{"__proto__":{"n":1}}}}');
    const polluting = await fetch(`${gateway.url}/graphql`, { ...JSON_POST, body });
    expect(polluting.status).to.equal(400);
    const large = await ask(query, { variables: { arguments: { n: 'x'.repeat(1024 * 1024) } } });
    expect(large).to.include({ status: 413, code: 'payload_too_large' });
    const list = await ask(query, { variables: [] });
    expect(codeOf(list)).to.equal('invalid_request');
    const whole = await ask(query, { variables: { arguments: { n: 1, pad: 'x'.repeat(900_000) } } });
    expect(whole.data).to.have.nested.property('call.data.n', 1);
  });
});
