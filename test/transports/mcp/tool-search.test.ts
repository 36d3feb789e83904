/** Two tools in the place of all. */
import { expect } from 'chai';
import { McpCatalog } from '../../../lib/transports/mcp/mcp-catalog.ts';

const tool = (name: string, description: string) => ({
  name,
  description,
  inputSchema: { type: 'object' },
  isolation: 'shared' as const,
});
const whole = {
  tools: [
    tool('files__read', 'Reads a file.'),
    tool('mail__send', 'Sends a letter.'),
    tool('z', 'reads mail'),
  ],
  resources: [],
  prompts: [],
};

describe('the search for tools', () => {
  const catalog = new McpCatalog(() => whole, { toolSearch: true });
  const search = (args?: object) =>
    JSON.parse(`{${catalog.search({ name: 'search_tools', arguments: args })}}`).structuredContent;
  const named = (args?: object) => search(args).tools.map(({ name }: { name: string }) => name);

  it('is all that clients are told of', () => {
    const { tools } = JSON.parse(`{${catalog.tools({}, false)}}`);
    expect(tools.map(({ name }: { name: string }) => name)).to.deep.equal(['call_tool', 'search_tools']);
    expect(catalog.isSearch({ name: 'search_tools' })).to.equal(true);
    expect(new McpCatalog(() => whole).isSearch({ name: 'search_tools' })).to.equal(false);
  });

  it('finds by words, the best first, with schemas', () => {
    expect(named({ query: 'READ mail' })).to.deep.equal(['files__read', 'mail__send', 'z'].sort());
    expect(named({ query: 'letter' })).to.deep.equal(['mail__send']);
    expect(named({ query: 'nothing' })).to.deep.equal([]);
    expect(named({ limit: 1 })).to.deep.equal(['files__read']);
    expect(named()).to.have.length(3);
    expect(search({ query: 'letter' }).tools[0]).to.deep.include({ inputSchema: { type: 'object' } });
  });

  it('calls a tool as it is called otherwise', () => {
    const params = { name: 'call_tool', arguments: { name: 'mail__send', arguments: { to: 'you' } } };
    const plan = { kind: 'tool', name: 'mail__send', arguments: { to: 'you' } };
    expect(catalog.toolCall(params)).to.deep.equal(plan);
    expect(catalog.toolCall({ name: 'mail__send', arguments: { to: 'you' } })).to.deep.equal(plan);
    expect(() => catalog.toolCall({ name: 'call_tool', arguments: {} })).to.throw('search_tools');
  });
});
