import { expect } from 'chai';
import { toolText } from '../../../lib/transports/mcp/tool-text.ts';

describe('an output schema in the list of tools', () => {
  const told = (outputSchema: object) =>
    JSON.parse(
      toolText({
        name: 't',
        description: 'd',
        inputSchema: { type: 'object' },
        outputSchema: outputSchema as never,
        isolation: 'shared',
      }),
    ).outputSchema;
  const of = (n: object, more: object = {}) => ({ ...more, type: 'object', properties: { n } });

  const out: Readonly<Record<string, object>> = {
    'of no object': { type: 'array' },
    'of draft-04': of({}, { $schema: 'http://json-schema.org/draft-04/schema#' }),
    'with a pattern that is none under the u flag': of({ type: 'string', pattern: '^[\\w-.]+\\-$' }),
    'with such a pattern further down': of({ anyOf: [{ items: { pattern: '\\-' } }] }),
    'with such a pattern of names': of({ patternProperties: { '^x\\-': {} } }),
    'with such a pattern below a property named as a keyword': of({
      properties: { enum: { pattern: '\\-' } },
    }),
  };
  for (const [what, schema] of Object.entries(out))
    it(`is left out ${what}`, () => {
      expect(told(schema)).to.equal(undefined);
    });

  const asIs: Readonly<Record<string, object>> = {
    'of draft-07': of(
      { items: [{}], additionalItems: false },
      { $schema: 'http://json-schema.org/draft-07/schema#' },
    ),
    'with a pattern': of({ pattern: '^\\p{L}$' }),
    'with properties named as keywords': of({ properties: { pattern: {}, prefixItems: {}, items: {} } }),
    'with data that looks like a schema': of({ default: { pattern: '(', prefixItems: [], items: false } }),
    'with a list': of({ type: 'array', items: false, maxItems: 0 }),
  };
  for (const [what, schema] of Object.entries(asIs))
    it(`is as it was written ${what}`, () => {
      expect(told(schema)).to.deep.equal(schema);
    });

  it('has the length of a tuple without "items", which draft-07 reads as a rule of all', () => {
    const prefixItems = [{ type: 'string' }, {}];
    const tuple = (more: object) => told(of({ type: 'array', prefixItems, ...more })).properties.n;
    expect(tuple({ items: false })).to.deep.equal({ type: 'array', prefixItems, maxItems: 2 });
    expect(tuple({ items: false, maxItems: 1 })).to.deep.equal({ type: 'array', prefixItems, maxItems: 1 });
    expect(tuple({ items: { type: 'number' } })).to.deep.equal({ type: 'array', prefixItems });
    expect(tuple({})).to.deep.equal({ type: 'array', prefixItems });
    const inner = { $defs: { t: { prefixItems, items: false } }, allOf: [{ prefixItems, items: false }] };
    expect(told(of(inner)).properties.n).to.deep.equal({
      $defs: { t: { prefixItems, maxItems: 2 } },
      allOf: [{ prefixItems, maxItems: 2 }],
    });
  });
});
