/** The schema of a catalog: which tools are typed, how, and why others are not. */
import { expect } from 'chai';
import { execute, type GraphQLSchema, parse, printSchema, printType, validate } from 'graphql';
import type { JsonSchema, ToolDescriptor } from '../../../lib/call/catalog.ts';
import type { Operation } from '../../../lib/transports/graphql/operations/operation.ts';
import { gatewaySchema } from '../../../lib/transports/graphql/schema/gateway-schema.ts';

const tool = (name: string, inputSchema: JsonSchema): ToolDescriptor => ({
  name,
  description: 'Does it.',
  inputSchema: { type: 'object', ...inputSchema },
  isolation: 'shared',
});

const logged: unknown[] = [];
const schemaOf = (...tools: ToolDescriptor[]): GraphQLSchema =>
  gatewaySchema({ tools, resources: [], prompts: [] }, (...record) => logged.push(record));

/** What a typed field calls its tool with. */
async function argumentsOf(schema: GraphQLSchema, field: string, variableValues = {}): Promise<unknown> {
  let asked: unknown;
  const operation = {
    run: async (call: { readonly arguments: unknown }) => {
      asked = call.arguments;
      return { callId: '', end: { data: 'null' } };
    },
  } as unknown as Operation;
  const document = parse(`mutation ($x: JSON, $n: String) { tools { ${field} } }`);
  const [flaw] = validate(schema, document).filter(({ message }) => !message.includes('is never used'));
  if (flaw) throw flaw;
  const { errors } = await execute({ schema, document, contextValue: operation, variableValues });
  if (errors) throw errors[0];
  return asked;
}

/** The reasons of those that have no field. */
async function untyped(schema: GraphQLSchema): Promise<Record<string, unknown>> {
  const { data } = await execute({ schema, document: parse('{ tools { name field untypedReason } }') });
  const tools = data?.['tools'] as { name: string; field: string | null; untypedReason: string | null }[];
  for (const { field, untypedReason } of tools) expect(field === null).to.equal(untypedReason !== null);
  return Object.fromEntries(tools.filter(({ field }) => !field).map((one) => [one.name, one.untypedReason]));
}

describe('the GraphQL schema of a catalog', () => {
  afterEach(() => expect(logged).to.deep.equal([]));

  it('types scalars, enums, lists and objects, by names in camelCase, with the tool’s own in the description', async () => {
    const schema = schemaOf(
      tool('j_echo', {
        required: ['max_count', 'sort', 'with_default'],
        properties: {
          max_count: { type: 'integer', minimum: 1, maximum: 100, description: 'At most.' },
          big: { type: 'integer' },
          ratio: { type: ['number', 'null'] },
          sort: { enum: ['createdAt', '-createdAt', '2nd'] },
          odd: { enum: ['a b', 'a_b'] },
          with_default: { type: 'string', default: 'x' },
          steps: {
            type: 'array',
            items: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
          },
          either: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
          map: { type: 'object', additionalProperties: { type: 'string' } },
        },
      }),
    );
    expect(printSchema(schema)).to.contain(`    """At most. (max_count)"""
    maxCount: Int!
    big: SafeInt
    ratio: Float
    sort: JEcho_Sort!
    odd: String

    """(with_default) Default: "x"."""
    withDefault: String
    steps: [JEcho_Steps!]
    either: JSON
    map: JSON
  ): JSON`);
    const sort = schema.getType('JEcho_Sort');
    expect(sort && printType(sort)).to.match(/CREATED_AT\n[^}]*MINUS_CREATED_AT\n[^}]*_2ND\n/);
    const field =
      'jEcho(maxCount: 1, sort: MINUS_CREATED_AT, steps: [{name: "a"}], ratio: null, odd: $n, map: {a: $x})';
    expect(await argumentsOf(schema, field, { x: { b: [1] }, n: null })).to.deep.equal({
      max_count: 1,
      ratio: null,
      sort: '-createdAt',
      steps: [{ name: 'a' }],
      map: { a: { b: [1] } },
    });
  });

  it('follows schemas that refer to themselves, and to each other', async () => {
    const node = {
      type: 'object',
      required: ['next', 'children'],
      properties: {
        next: { $ref: '#/$defs/node' },
        children: { type: 'array', items: { $ref: '#/$defs/node' } },
      },
    };
    const schema = schemaOf(
      tool('tree', { properties: { root: { $ref: '#/$defs/node' } }, $defs: { node } }),
    );
    const field = 'tree(root: {next: {children: []}, children: [{children: []}]})';
    expect(await argumentsOf(schema, field)).to.deep.equal({
      root: { next: { children: [] }, children: [{ children: [] }] },
    });
    expect(await untyped(schema)).to.deep.equal({});
  });

  it('tells why a tool has no field, and has one for all the others', async () => {
    const choice = { oneOf: [{ properties: { a: {} } }, { properties: { b: {} } }] };
    const schema = schemaOf(
      tool('a.b', {}),
      tool('a_b', {}),
      tool('choice', choice),
      tool('map', { additionalProperties: { type: 'string' } }),
      tool('twice', { properties: { a_b: {}, 'a-b': {} } }),
      tool('nameless', { properties: { 日本: {} } }),
      tool('二', {}),
      tool('plain', {}),
      tool('requires_one', {
        properties: { a: {}, b: {} },
        anyOf: [{ required: ['a'] }, { required: ['b'] }],
      }),
    );
    expect(await untyped(schema)).to.deep.equal({
      'a.b': 'aB would be a_b as well',
      a_b: 'aB would be a.b as well',
      choice: 'its members depend on each other (oneOf)',
      map: 'it takes members of any name',
      twice: '"a_b" and "a-b" are both aB in GraphQL',
      nameless: '"日本" has no form as a GraphQL name',
      二: 'its name has no form as a GraphQL name',
    });
    expect(await argumentsOf(schema, 'plain')).to.deep.equal({});
  });

  it('keeps JSON within the bounds of any request', async () => {
    const schema = schemaOf(tool('any', { properties: { value: {} } }));
    const deep = `${'['.repeat(70)}${']'.repeat(70)}`;
    for (const [value, refusal] of [
      [deep, /nested deeper/],
      ['{__proto__: 1}', /__proto__/],
    ] as const) {
      const refused = await argumentsOf(schema, `any(value: ${value})`).then(
        String,
        ({ message }) => message,
      );
      expect(refused).to.match(refusal);
    }
  });
});
