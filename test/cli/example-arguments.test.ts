/** Arguments made from a schema: each fits it by ajv's judgement, and what cannot be made makes none. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import { z } from 'zod';
import { exampleArguments } from '../../bin/example-arguments.ts';
import type { JsonSchema } from '../../lib/index.ts';

const ajv = new Ajv2020({ strict: false, validateFormats: false });
const fromZod = (schema: z.ZodType): JsonSchema => z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;

describe('exampleArguments()', () => {
  it('makes what fits', () => {
    const node: z.ZodType = z.lazy(() => z.object({ name: z.string(), children: z.array(node) }));
    const shapes: Record<string, z.ZodType> = {
      nothing: z.object({}),
      optional: z.object({ a: z.string().optional(), b: z.number().default(3) }),
      texts: z.object({
        a: z.string(),
        b: z.string().min(12),
        c: z.string().max(2),
        d: z.string().length(5),
      }),
      forms: z.object({
        a: z.email(),
        b: z.uuid(),
        c: z.url(),
        d: z.iso.date(),
        e: z.iso.datetime(),
        f: z.ipv4(),
        g: z.base64(),
        h: z.iso.time(),
      }),
      patterns: z.object({ a: z.string().regex(/^[A-Z]{3}-\d+$/), b: z.string().regex(/^\d{5}$/) }),
      numbers: z.object({
        a: z.int().min(5).max(7),
        b: z.number().gt(0).lt(1),
        c: z.number().multipleOf(25).min(30),
        d: z.int().negative(),
        e: z.number().min(-3).max(-2),
        f: z.int().gt(3).lt(5),
      }),
      choices: z.object({
        a: z.enum(['x', 'y']),
        b: z.literal(4),
        c: z.boolean(),
        d: z.null(),
        e: z.nullable(z.int()),
      }),
      lists: z.object({
        a: z.array(z.int()).min(3),
        b: z.tuple([z.string(), z.int()]),
        c: z.array(z.string()).max(0),
      }),
      either: z.object({
        a: z.union([z.int().min(3), z.string()]),
        b: z.discriminatedUnion('t', [z.object({ t: z.literal('x'), n: z.int() })]),
      }),
      both: z.object({ a: z.intersection(z.object({ x: z.int() }), z.object({ y: z.string() })) }),
      nested: z.object({ a: z.object({ b: z.object({ c: z.iso.date() }) }) }),
      record: z.object({ a: z.record(z.string(), z.int()) }),
      top: z.union([z.object({ a: z.int() }), z.object({ b: z.int() })]),
    };
    for (const [name, shape] of Object.entries(shapes)) {
      const schema = fromZod(shape);
      const example = exampleArguments(schema);
      expect(example, name).to.be.an('object');
      expect(
        ajv.validate(schema, example),
        `${name}: ${JSON.stringify(example)}: ${ajv.errorsText()}`,
      ).to.equal(true);
      expect(shape.safeParse(example).success, `${name}: ${JSON.stringify(example)}`).to.equal(true);
    }
    expect(exampleArguments(fromZod(z.object({ node })))).to.equal(undefined);
  });

  it('makes what fits raw schemas', () => {
    for (const schema of [
      {
        type: 'object',
        $ref: '#/$defs/a',
        $defs: { a: { required: ['n'], properties: { n: { type: 'integer' } } } },
      },
      {
        type: 'object',
        allOf: [
          { required: ['a'] },
          { required: ['b'], properties: { a: { type: 'integer' }, b: { const: 1 } } },
        ],
      },
      {
        type: 'object',
        anyOf: [{ required: ['a'] }, { required: ['b'] }],
        properties: { a: { type: 'boolean' } },
      },
      { type: 'object', minProperties: 1, properties: { a: { type: 'integer' } } },
      { type: 'object', required: ['a'], properties: { a: {} } },
      { type: 'object', required: ['a'] },
      { type: 'object', required: ['a'], properties: { a: { type: ['null', 'integer'] } } },
      { type: 'object', required: ['a'], additionalProperties: { type: 'integer' } },
      {
        type: 'object',
        required: ['a'],
        properties: { a: { oneOf: [{ type: 'string', pattern: '^§$' }, { type: 'integer' }] } },
      },
    ] as JsonSchema[]) {
      const example = exampleArguments(schema);
      expect(ajv.validate(schema, example), `${JSON.stringify(schema)}: ${JSON.stringify(example)}`).to.equal(
        true,
      );
    }
  });

  it('prefers what the author gives', () => {
    const schema = z.object({
      a: z.string().meta({ examples: ['theirs'] }),
      b: z.int(),
    });
    expect(exampleArguments(fromZod(schema))).to.deep.equal({ a: 'theirs', b: 1 });
    expect(exampleArguments(fromZod(schema.meta({ examples: [{ a: 'x', b: 9 }] })))).to.deep.equal({
      a: 'x',
      b: 9,
    });
  });

  it('makes none where a value cannot be made', () => {
    for (const a of [
      { type: 'string', pattern: '^[§]{4}$' },
      { type: 'string', pattern: '(' },
      { type: 'string', format: 'uuid', pattern: '^x$' },
      { type: 'string', minLength: 100_000_000 },
      { type: 'integer', minimum: 3, maximum: 2 },
      { type: 'array', minItems: 1_000_000 },
      { type: 'array', uniqueItems: true, minItems: 2, items: { type: 'integer' } },
      { type: 'other' },
      { $ref: 'https://elsewhere.example/x' },
      { $ref: '#/$defs/loop' },
      false,
    ]) {
      const schema = {
        type: 'object',
        required: ['a'],
        properties: { a },
        $defs: { loop: { $ref: '#/$defs/loop' } },
      };
      expect(exampleArguments(schema as JsonSchema), JSON.stringify(a)).to.equal(undefined);
    }
    expect(exampleArguments({ type: 'object', minProperties: 2 })).to.equal(undefined);
  });
});
