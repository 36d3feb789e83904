/** Schemas of any dialect as components of an OpenAPI document: each accepts what the tool's own schema accepts. */
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'chai';
import type { JsonSchema } from '../../../lib/call/catalog.ts';
import { componentSchema } from '../../../lib/transports/openapi/component-schema.ts';

const DRAFT_07 = 'http://json-schema.org/draft-07/schema#';
const DRAFT_04 = 'http://json-schema.org/draft-04/schema#';

/** Whether each value is accepted, by a reader that resolves references from the top of the document. */
function verdicts(schema: JsonSchema, values: readonly unknown[]): boolean[] {
  const translated = componentSchema(schema, 'a.input');
  const document = {
    $ref: '#/components/schemas/a.input',
    components: { schemas: { 'a.input': translated } },
  };
  const validate = new Ajv2020({ strict: false }).compile(document);
  return values.map((value) => validate(value));
}

describe('a schema as a component', () => {
  it('keeps references, which point into the component', () => {
    const list = {
      type: 'object',
      properties: { value: { type: 'number' }, next: { $ref: '#' }, tag: { $ref: '#/$defs/tag' } },
      $defs: { tag: { enum: ['x'] } },
    };
    expect(
      verdicts(list, [{ next: { value: 1, tag: 'x' } }, { next: { value: 'a' } }, { tag: 'y' }]),
    ).to.deep.equal([true, false, false]);
  });

  it('translates the words of older dialects', () => {
    const older = {
      $schema: DRAFT_07,
      $id: 'https://example.com/older',
      type: 'object',
      properties: {
        pair: { type: 'array', items: [{ type: 'string' }, { type: 'number' }], additionalItems: false },
        alone: { $ref: '#/definitions/word', minLength: 1 },
      },
      dependencies: { pair: ['alone'], alone: { required: ['pair'] } },
      definitions: { word: { type: 'string' } },
    };
    const values = [
      { pair: ['a', 1], alone: 'b' },
      { pair: ['a', 1, 2], alone: 'b' },
      { pair: [1, 'a'], alone: 'b' },
      { pair: ['a', 1] },
      { alone: 'b' },
      {},
    ];
    const own = new Ajv({ strict: false }).compile(older);
    expect(verdicts(older, values)).to.deep.equal(values.map((value) => own(value)));
    expect(verdicts(older, values)).to.deep.equal([true, false, false, false, false, true]);
  });

  it('translates the bounds of draft-04', () => {
    const bounds = {
      $schema: DRAFT_04,
      id: 'x',
      type: 'number',
      minimum: 1,
      exclusiveMinimum: true,
      maximum: 3,
    };
    expect(verdicts(bounds, [1, 2, 3, 4])).to.deep.equal([false, true, true, false]);
    const inclusive = { $schema: DRAFT_04, minimum: 1, exclusiveMinimum: false };
    expect(verdicts(inclusive, [1, 0])).to.deep.equal([true, false]);
  });

  it('takes names and values for what they are, whatever words they look like', () => {
    const schema = {
      type: 'object',
      properties: {
        $ref: { type: 'string' },
        $id: { type: 'number' },
        items: { enum: [{ $ref: '#/nowhere' }] },
      },
      default: { $anchor: 'a' },
    };
    expect(componentSchema(schema, 'a.input')).to.deep.equal(schema);
  });

  it('leaves open, with a note, what has no equal', () => {
    const schemas: readonly JsonSchema[] = [
      { $schema: 'https://example.com/my-dialect', type: 'object', description: 'Mine.' },
      { type: 'object', properties: { a: { $dynamicRef: '#node' } } },
      { type: 'object', properties: { a: { $ref: 'https://example.com/other' } } },
      { type: 'object', $defs: { a: { $id: 'inner', type: 'string' } } },
    ];
    for (const schema of schemas) {
      const { type, description, ...others } = componentSchema(schema, 'a.input');
      expect([type, others]).to.deep.equal(['object', {}]);
      expect(description).to.include('GET /tools shows it');
    }
  });

  it('leaves open what has a reference that leads nowhere, or did so before', () => {
    const moved = {
      $schema: DRAFT_07,
      properties: {
        pair: { type: 'array', items: [{ type: 'string' }] },
        same: { $ref: '#/properties/pair/items/0' },
      },
    };
    const broken = { type: 'object', properties: { a: { $ref: '#/$defs/none' }, b: { $ref: '#plain' } } };
    for (const schema of [moved, broken]) {
      const { type, description, ...others } = componentSchema(schema, 'a.input');
      expect([type, others]).to.deep.equal(['object', {}]);
      expect(description).to.contain('no equal here');
    }
  });

  it('follows references with escapes, to names that are words, and in circles', () => {
    const odd = {
      type: 'object',
      properties: {
        $ref: { type: 'string' },
        a: { $ref: '#/$defs/x~1y%20z' },
        b: { $ref: '#/properties/b' },
      },
      $defs: { 'x/y z': { type: 'number' } },
    };
    const { $defs } = componentSchema(odd, 'a.input') as { $defs: object };
    expect($defs).to.deep.equal(odd.$defs);
  });
});
