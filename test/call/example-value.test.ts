/** Examples made from schemas. */
import { expect } from 'chai';
import { exampleOf } from '../../lib/call/example-value.ts';

describe('an example of a schema', () => {
  it('has the required members alone, with the least that each asks for', () => {
    const schema = {
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 6 },
        when: { type: 'string', format: 'date' },
        n: { type: 'integer', minimum: 3 },
        above: { type: 'number', exclusiveMinimum: 1 },
        most: { type: 'integer', maximum: 0 },
        list: { type: 'array', items: { type: 'boolean' }, minItems: 2 },
        either: { anyOf: [{ type: 'null' }, { type: 'string' }] },
        extra: { type: 'string' },
      },
      required: ['name', 'when', 'n', 'above', 'most', 'list', 'either'],
    };
    expect(exampleOf(schema)).to.deep.equal({
      name: 'textxx',
      when: '2026-01-31',
      n: 3,
      above: 2,
      most: 0,
      list: [true, true],
      either: null,
    });
  });

  it('prefers what the author says', () => {
    expect(exampleOf({ type: 'object', examples: [{ a: 1 }, { a: 2 }] })).to.deep.equal({ a: 1 });
    expect(exampleOf({ type: 'string', default: 'd', enum: ['e'] })).to.equal('d');
    expect(exampleOf({ const: 'c', enum: ['c', 'e'] })).to.equal('c');
    expect(exampleOf({ enum: ['e', 'f'] })).to.equal('e');
  });

  it('follows references, and ends where they go round', () => {
    const round = {
      $ref: '#/$defs/a~1b',
      $defs: { 'a/b': { type: 'object', properties: { next: { $ref: '#' } }, required: ['next'] } },
    };
    expect(JSON.stringify(exampleOf(round))).to.match(/^(\{"next":)+null\}+$/);
    expect(exampleOf({ $ref: '#/nowhere' })).to.equal(null);
    expect(exampleOf({ $ref: 'https://example.com/' })).to.equal(null);
  });
});
