import { expect } from 'chai';
import { type AnyClient, CLIENTS, connectClient, whole } from './every-client.ts';

const modules = ['basic-tools', 'mcp-tools', 'conformance'];

for (const name of CLIENTS) {
  describe(`the MCP client ${name}`, () => {
    let client: AnyClient;
    before(async () => {
      client = await connectClient(name, modules);
    });
    after(() => client.close());

    it('lists the tools in the order of their names', async () => {
      const names = (await client.listTools()).tools.map((tool) => tool.name);
      expect(names).to.include('echo');
      expect(names).to.deep.equal([...names].sort());
    });

    it('calls a tool and gets its structured content with a text copy', async () => {
      const result = await client.callTool({ name: 'echo', arguments: { text: 'hé' } }, {});
      expect(result['structuredContent']).to.deep.equal({ text: 'hé' });
      expect(result['content']).to.deep.equal([{ type: 'text', text: '{"text":"hé"}' }]);
    });

    it('gets every progress value, the last one included, before the result', async () => {
      const report = async () => {
        const seen: number[] = [];
        const onprogress = ({ progress }: { progress: number }) => seen.push(progress);
        await client.callTool({ name: 'report', arguments: { n: 10, everyMs: 100 } }, { onprogress });
        return seen;
      };
      expect(await whole(report, (seen) => seen.length === 10)).to.deep.equal([
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
      ]);
    });

    it('gets every chunk in order with the progress, in a growing sequence', async () => {
      const count = async () => {
        const seen: number[] = [];
        const items: unknown[] = [];
        const onprogress = (progress: { progress: number; _meta?: Record<string, { items: unknown[] }> }) => {
          seen.push(progress.progress);
          items.push(...(progress._meta?.['io.github.mcp-streaming-gateway/chunk']?.items ?? []));
        };
        const result = await client.callTool({ name: 'count', arguments: { n: 300 } }, { onprogress });
        return { seen, items, result };
      };
      const { seen, items, result } = await whole(count, (brought) => brought.items.length === 300);
      const expected = Array.from({ length: 300 }, (_, i) => ({ i }));
      expect(items).to.deep.equal(expected);
      expect(result['structuredContent']).to.deep.equal({ data: expected });
      expect(seen.every((value, at) => at === 0 || value > (seen[at - 1] ?? value))).to.equal(true);
    });

    it('cancels a call, and the tool learns of it', async () => {
      const abort = new AbortController();
      const running = client.callTool(
        { name: 'until_cancelled', arguments: { key: name } },
        { signal: abort.signal },
      );
      while ((await seenBy(client, name)) !== 'running');
      abort.abort();
      const outcome = await running.then(
        () => 'a result',
        () => 'an error',
      );
      expect(outcome).to.equal('an error');
      let state = await seenBy(client, name);
      while (state === 'running') state = await seenBy(client, name);
      expect(state).to.equal('cancelled');
    });

    it('gets a failure of the tool as an isError result with a code', async () => {
      const result = await client.callTool({ name: 'echo', arguments: {} }, {});
      expect(result['isError']).to.equal(true);
      const meta = result['_meta'] as Record<string, { code: string }>;
      expect(meta['io.github.mcp-streaming-gateway/error']?.code).to.equal('invalid_arguments');
    });

    it('gets an unknown tool as a JSON-RPC error', async () => {
      const error = await client.callTool({ name: 'nope', arguments: {} }, {}).catch((thrown) => thrown);
      expect(error).to.have.property('code', -32602);
    });
  });
}

async function seenBy(client: AnyClient, key: string): Promise<unknown> {
  const result = await client.callTool({ name: 'cancel_state', arguments: { key } }, {});
  return (result['structuredContent'] as { state: unknown }).state;
}
