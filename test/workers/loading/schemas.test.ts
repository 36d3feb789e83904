import { expect } from 'chai';
import { z } from 'zod';
import * as mini from 'zod/mini';
import * as z3 from 'zod/v3';
import type { ToolDescriptor } from '../../../lib/call/catalog.ts';
import { brand } from '../../../lib/tool/brand.ts';
import type { ToolDefinition } from '../../../lib/tool/define-tool.ts';
import { type LoadedTool, Registry } from '../../../workers/loading/registry.ts';
import type { Check, Checked } from '../../../workers/loading/schema.ts';

/** A tool with schemas of any kind, as an author without TypeScript may write it. */
const toolWith = (schemas: object): ToolDefinition =>
  brand('tool', { name: 't', description: 'd', run: async () => 1, ...schemas } as ToolDefinition);

interface Loaded {
  readonly descriptor: ToolDescriptor;
  check(value: unknown, part?: 'input' | 'output'): Promise<Checked>;
}

async function load(schemas: object): Promise<Loaded> {
  const registry = new Registry();
  registry.addModule({ tool: toolWith(schemas) }, 'here.js');
  const [descriptor] = (await registry.describe()).tools;
  const loaded = (await registry.tool('t')) as LoadedTool;
  return {
    descriptor: descriptor as ToolDescriptor,
    check: async (value, part = 'input') => (loaded[part] as Check).run(value),
  };
}

const refusal = (schemas: object): Promise<string> =>
  load(schemas).then(
    () => 'it was taken',
    (error: Error) => error.message,
  );

const property = (schema: object, $schema?: string) => ({
  input: {
    jsonSchema: { ...($schema ? { $schema } : {}), type: 'object', properties: { 'a/b': schema } },
  },
});

function circular(): object {
  const jsonSchema: { type: string; properties: Record<string, unknown> } = {
    type: 'object',
    properties: {},
  };
  jsonSchema.properties['self'] = jsonSchema;
  return { input: { jsonSchema } };
}

describe('raw JSON Schema', () => {
  const DRAFT = (name: string) => `http://json-schema.org/draft-0${name}/schema#`;
  const dialects: readonly [
    name: string,
    $schema: string | undefined,
    schema: object,
    good: unknown,
    bad: unknown,
  ][] = [
    ['2020-12 by default', undefined, { prefixItems: [{ type: 'string' }], items: false }, ['a'], ['a', 1]],
    ['2019-09', 'https://json-schema.org/draft/2019-09/schema', { items: [{ type: 'string' }] }, ['a'], [1]],
    ['draft-07', DRAFT('7'), { items: [{ type: 'string' }], additionalItems: false }, ['a'], ['a', 1]],
    [
      'draft-07, by https',
      'https://json-schema.org/draft-07/schema',
      { if: false, else: { const: 1 } },
      1,
      2,
    ],
    ['draft-06', DRAFT('6'), { exclusiveMinimum: 0 }, 1, 0],
    ['draft-04', DRAFT('4'), { minimum: 0, exclusiveMinimum: true }, 1, 0],
  ];
  for (const [name, $schema, schema, good, bad] of dialects) {
    it(`is read as the dialect that it names: ${name}`, async () => {
      const source = property(schema, $schema);
      const { descriptor, check } = await load(source);
      expect(descriptor.inputSchema).to.deep.equal(source.input.jsonSchema);
      expect(await check({ 'a/b': good })).to.have.property('ok', true);
      expect(await check({ 'a/b': bad })).to.have.property('ok', false);
    });
  }

  const refused: Readonly<Record<string, readonly [source: object, reason: RegExp]>> = {
    'a keyword of another draft': [
      property({ minimum: 0, exclusiveMinimum: true }),
      /tool "t" in here\.js cannot be loaded: its input schema at \/properties\/a~1b\/exclusiveMinimum: must be number .*"\$schema"/,
    ],
    'a tuple of another draft': [property({ items: [{}] }), /at \/properties\/a~1b\/items: .*"\$schema"/],
    'a type that there is not': [property({ type: 'strng' }), /at \/properties\/a~1b\/type: /],
    'a reference to nothing': [
      property({ $ref: '#/definitions/x' }),
      /at \/properties\/a~1b\/\$ref: the reference "#\/definitions\/x" leads nowhere: nothing is there/,
    ],
    'a reference to elsewhere': [
      property({ anyOf: [{ $ref: 'https://example.com/x.json' }] }),
      /at \/properties\/a~1b\/anyOf\/0\/\$ref: .*example\.com.* not fetched/,
    ],
    'a reference to itself': [
      property({ $ref: '#/properties/a~1b' }),
      /at \/properties\/a~1b\/\$ref: the reference "#\/properties\/a~1b" leads in a circle/,
    ],
    'a pattern that is none': [
      property({ pattern: '(' }),
      /at \/properties\/a~1b\/pattern: "\(" is no regular/,
    ],
    'a member that is no schema': [
      property('string' as never),
      /at \/properties\/a~1b: a schema is an object or/,
    ],
    'a dialect that is not known': [
      property({}, 'https://example.com/d'),
      /at \/\$schema: "https:\/\/example/,
    ],
    'a choice of nothing': [
      property({ anyOf: [{ type: 'string' }, { enum: [] }] }),
      /at \/properties\/a~1b\/anyOf\/1: enum must have non-empty array \(JSON Schema 2020-12\)$/,
    ],
    'the name of another draft': [property({ id: 'x' }), /at \/properties\/a~1b: .*"id".*"\$schema"/],
    'one that contains itself': [circular(), /input schema contains itself; write a "\$ref"/],
    'a number that JSON has not': [property({ maximum: 10n }), /input schema is no JSON: .*BigInt/],
    'what is no object in JSON': [
      { input: { jsonSchema: new URL('http://a.b/') } },
      /is no object in JSON but "http:\/\/a\.b\/"; write/,
    ],
    'arguments that are no object': [
      { input: { jsonSchema: { type: 'array' } } },
      /is of type "array"; a tool's/,
    ],
    'an output as well': [{ output: { jsonSchema: { $ref: '#/nowhere' } } }, /its output schema at \/\$ref/],
  };
  for (const [what, [source, reason]] of Object.entries(refused)) {
    it(`is refused when the tool loads, with the place and the reason: ${what}`, async () => {
      expect(await refusal(source)).to.match(reason);
    });
  }

  it('is what JSON makes of it', async () => {
    const { descriptor, check } = await load(
      property({ type: 'string', minLength: undefined, default: new Date(0), examples: [() => 1] }),
    );
    expect(descriptor.inputSchema).to.have.deep.nested.property('properties.a/b', {
      type: 'string',
      default: '1970-01-01T00:00:00.000Z',
      examples: [null],
    });
    expect(await check({})).to.deep.equal({ ok: true, value: { 'a/b': '1970-01-01T00:00:00.000Z' } });
  });

  it('may have a pattern that is none under the u flag', async () => {
    const { check } = await load(property({ pattern: '^[\\w-.]+\\-$' }));
    expect(await check({ 'a/b': 'a.-' })).to.have.property('ok', true);
    expect(await check({ 'a/b': '!' })).to.have.property('ok', false);
  });

  it('keeps schemas apart that have the same name', async () => {
    const named = (type: string) => ({
      input: {
        jsonSchema: {
          $id: 'https://example.com/same',
          type: 'object',
          properties: { n: { $ref: '#/$defs/n' } },
          $defs: { n: { type } },
        },
      },
    });
    const [text, number] = [await load(named('string')), await load(named('number'))];
    expect(await text.check({ n: 'a' })).to.have.property('ok', true);
    expect(await number.check({ n: 'a' })).to.have.property('ok', false);
  });
});

describe('schemas of other forms', () => {
  it('are taken where they have one clear meaning', async () => {
    const shape = await load({ input: { s: z.string(), n: z.number().default(3) } });
    expect(shape.descriptor.inputSchema).to.deep.include({ type: 'object', required: ['s'] });
    expect(await shape.check({ s: 'a' })).to.deep.equal({ ok: true, value: { s: 'a', n: 3 } });

    const plain = await load({ input: { type: 'object', properties: { n: { type: 'number' } } } });
    expect(await plain.check({ n: 'a' })).to.have.property('ok', false);

    const none = await load({ input: {} });
    expect(none.descriptor.inputSchema).to.deep.equal({ type: 'object' });
    expect(await none.check({ n: 'a' })).to.have.property('ok', true);

    const small = await load({ input: mini.object({ d: mini.date() }) });
    expect(small.descriptor.inputSchema).to.have.nested.property('properties.d.format', 'date-time');
    expect(await small.check({ d: '2026-01-31T12:00:00Z' }))
      .to.have.nested.property('value.d')
      .that.is.a('date');
  });

  it('are taken of any library that says itself as JSON Schema', async () => {
    const jsonSchema = { type: 'object', properties: { n: { type: 'number' } } };
    const asked: string[] = [];
    const writer = (direction: string) => (options: { target: string }) => {
      asked.push(`${direction} in ${options.target}`);
      if (options.target !== 'draft-07') throw new Error('only draft-07');
      return { $schema: 'http://json-schema.org/draft-07/schema#', ...jsonSchema };
    };
    const standard = {
      version: 1,
      vendor: 'mine',
      jsonSchema: { input: writer('input'), output: writer('output') },
      validate: async ({ n }: { n: unknown }) =>
        typeof n === 'number'
          ? { value: { n: n + 1 } }
          : { issues: [{ message: 'no', path: [{ key: 'n' }] }] },
    };
    // As arktype does, whose schemas are functions.
    const schema = Object.assign(() => undefined, { '~standard': standard });
    const { descriptor, check } = await load({ input: schema });
    expect(asked).to.include('input in draft-2020-12').and.include('input in draft-07');
    expect(descriptor.inputSchema).to.deep.include(jsonSchema);
    expect(await check({ n: 1 })).to.deep.equal({ ok: true, value: { n: 2 } });
    expect(await check({ n: 'a' })).to.deep.equal({
      ok: false,
      issues: [{ path: 'n', message: 'no', code: 'invalid' }],
    });
    const { validate: _validate, ...silent } = standard;
    const described = await load({ input: { '~standard': silent } });
    expect(await described.check({ n: 'a' })).to.have.property('ok', false);
  });

  const slips: Readonly<Record<string, readonly [schema: unknown, reason: RegExp]>> = {
    'zod 3': [
      z3.z.object({ s: z3.z.string() }),
      /input schema is a schema of zod 3.*import \{ z \} from "zod" 4/,
    ],
    'the shape of zod 3': [{ s: z3.z.string() }, /has a member "s" that is a schema of zod 3/],
    'valibot by itself': [
      { '~standard': { version: 1, vendor: 'valibot', validate: () => ({}) } },
      /schema of valibot.*toStandardJsonSchema/,
    ],
    'another library': [
      { '~standard': { version: 1, vendor: 'mine', validate: () => ({}) } },
      /schema of mine that/,
    ],
    'a library that says nothing': [
      {
        '~standard': {
          version: 1,
          vendor: 'mine',
          jsonSchema: { input: () => undefined, output: () => undefined },
        },
      },
      /schema of mine that has no JSON Schema: it says itself as nothing, which is no object/,
    ],
    'a text': ['string', /is a string; write a zod schema/],
    'a list': [[z.string()], /is an array; write/],
    'a made-up notation': [{ s: 'string' }, /is an object with "s", which is no schema; write/],
    'zod beside it': [{ s: 'string', n: z.number() }, /zod schemas as members, and "s", which is none/],
    'zod in its wrapping': [
      { jsonSchema: z.object({}) },
      /schema of a library as its "jsonSchema"; give that/,
    ],
    'a text in its wrapping': [{ jsonSchema: '{}' }, /"jsonSchema" that is no object/],
    'no object at the top': [z.array(z.string()), /is of type "array"; a tool's arguments are an object/],
  };
  for (const [what, [schema, reason]] of Object.entries(slips)) {
    it(`are refused with what to write: ${what}`, async () => {
      expect(await refusal({ input: schema })).to.match(reason);
    });
  }
});

describe('what JSON has no word for', () => {
  const at = (schema: z.ZodType) => ({ input: z.object({ list: z.array(z.object({ it: schema })) }) });
  const refused: readonly [name: string, schema: z.ZodType, reason: RegExp][] = [
    ['symbol', z.symbol(), /at "list\[\]\.it": z\.symbol\(\) has no JSON form/],
    ['function', z.function() as never, /z\.function\(\) has no JSON form/],
    ['file', z.file(), /z\.file\(\) has no JSON form/],
    ['NaN', z.nan(), /z\.nan\(\) has no JSON form; write z\.null/],
    ['an instance', z.instanceof(Uint8Array), /no JSON is an instance of Uint8Array; describe/],
    [
      'a map by numbers',
      z.map(z.number(), z.string()),
      /where its keys are strings; write z\.array\(z\.tuple/,
    ],
  ];
  for (const [name, schema, reason] of refused) {
    it(`is refused with what to write: ${name}`, async () => {
      expect(await refusal(at(schema))).to.match(reason);
    });
  }

  it('may be one alternative of several, and is told as none', async () => {
    const { descriptor, check } = await load(at(z.union([z.string(), z.symbol()])));
    expect(JSON.stringify(descriptor.inputSchema)).to.contain('"anyOf":[{"type":"string"},{"not":{}}]');
    expect(await check({ list: [{ it: 'a' }] })).to.have.property('ok', true);
  });

  it("does not change what the author's own parses take", async () => {
    const schema = z.object({ date: z.date(), big: z.bigint() });
    await load({ input: schema });
    expect(schema.safeParse({ date: '2026-01-31T12:00:00Z', big: 1 }).success).to.equal(false);
  });

  it('is taken wherever it stands in a schema', async () => {
    interface Node {
      readonly at: Date;
      readonly next?: Node | undefined;
    }
    const node: z.ZodType<Node> = z.object({ at: z.date(), next: z.lazy(() => node).optional() });
    const { descriptor, check } = await load({
      input: z.object({
        node,
        tuple: z.tuple([z.date(), z.bigint()]),
        record: z.record(z.string(), z.date().nullable()),
        later: z.date().default(() => new Date(0)),
        both: z.intersection(z.object({ a: z.date() }), z.object({ b: z.bigint() })),
        bound: z.date().min(new Date(0)).readonly(),
        codec: z.codec(z.iso.datetime(), z.date(), {
          decode: (text) => new Date(text),
          encode: (date) => date.toISOString(),
        }),
      }),
    });
    const time = '2026-01-31T12:00:00+01:00';
    const utc = '2026-01-31T12:00:00Z';
    const checked = await check({
      node: { at: time, next: { at: time } },
      tuple: [time, '5'],
      record: { a: time, b: null },
      both: { a: time, b: 5 },
      bound: time,
      codec: utc,
    });
    const date = new Date(time);
    expect(checked).to.deep.equal({
      ok: true,
      value: {
        node: { at: date, next: { at: date } },
        tuple: [date, 5n],
        record: { a: date, b: null },
        later: new Date(0),
        both: { a: date, b: 5n },
        bound: date,
        codec: new Date(utc),
      },
    });
    expect(JSON.stringify(descriptor.inputSchema)).not.to.contain('{}');
  });

  it('may have asynchronous rules in an object, at which zod’s own code for objects trips', async () => {
    const length = z.string().transform(async (text) => text.length);
    for (const shape of [{ s: length }, { s: length.optional() }, { s: z.lazy(() => length) }]) {
      const { check } = await load({ input: z.object(shape) });
      for (const text of ['a', 'ab'])
        expect(await check({ s: text })).to.deep.equal({ ok: true, value: { s: text.length } });
    }
    const faulty = z.object({
      s: z.string().transform((text) => (text as unknown as { no: { such: string } }).no.such),
    });
    const { check } = await load({ input: faulty });
    for (let n = 0; n < 2; n++) {
      const thrown: unknown = await check({ s: 'a' }).catch((error: unknown) => error);
      expect(thrown).to.be.an.instanceOf(TypeError);
    }
  });

  it('takes whole numbers for a bigint only where they are exact', async () => {
    const { check } = await load({ input: z.object({ n: z.bigint() }) });
    expect(await check({ n: 5 })).to.deep.equal({ ok: true, value: { n: 5n } });
    for (const n of [2 ** 53, 1.5, 'x', '1.5', true])
      expect(await check({ n }), String(n)).to.have.property('ok', false);
  });
});
