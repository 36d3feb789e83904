import { expect } from 'chai';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { WireClient } from './wire-client.ts';

describe('journeys as MCP resources', () => {
  let gateway: TestGateway;
  let client: WireClient;
  before(async () => {
    gateway = await startGateway();
    client = new WireClient(`${gateway.url}/mcp`);
    await client.initialize();
  });
  after(async () => {
    await client.end().done;
    await gateway.close();
  });

  const journey = async (args: object) =>
    (await client.tool('journeys_tool', args).done).last?.result?.['structuredContent'] as
      | { id: string }
      | undefined;

  it('are listed, read, and announced to subscribers when one changes', async () => {
    const created = await journey({ action: 'create', name: 'To the sea' });
    const uri = `journey://${created?.id}`;
    const listed = (await client.call('resources/list').done).last?.result?.['resources'];
    expect((listed as unknown as { uri: string }[]).map((resource) => resource.uri)).to.deep.equal([uri]);
    const read = (await client.call('resources/read', { uri }).done).last?.result?.['contents']?.[0];
    expect(JSON.parse(read?.['text'] ?? '')).to.include({ name: 'To the sea' });

    const stream = client.listen();
    await stream.head;
    await client.call('resources/subscribe', { uri }).done;
    await journey({ action: 'update', id: created?.id, status: 'active' });
    const news = await stream.message(1);
    expect(news).to.deep.include({ method: 'notifications/resources/updated', params: { uri } });
    stream.leave();
  });

  it('that do not exist are told with their address', async () => {
    const uri = 'journey://00000000-0000-7000-8000-000000000000';
    const { last } = await client.call('resources/read', { uri }).done;
    expect(last?.error).to.deep.include({ code: -32002, data: { uri } });
    const stateless = await client.stateless('resources/read', { uri }, { headers: { 'mcp-session-id': '' } })
      .done;
    expect(stateless.last?.error).to.deep.include({ code: -32602, data: { uri } });
  });
});
