import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect } from 'chai';
import { type StartedMcp, startMcp } from './start-mcp.ts';

describe('what a tool asks the model of an MCP client', () => {
  let mcp: StartedMcp;
  let client: Client;
  before(async () => {
    mcp = await startMcp({ modules: ['value-tools'] });
    client = new Client({ name: 'test-client', version: '1' }, { capabilities: { sampling: {} } });
    const requestInit = { headers: { 'X-API-Key': 'super-secret' } };
    await client.connect(new StreamableHTTPClientTransport(new URL(mcp.url), { requestInit }) as Transport);
  });
  after(async () => {
    await client?.close();
    await mcp?.close();
  });

  it('has bytes as base64 text wherever MCP wants that, and as everywhere else', async () => {
    let asked: unknown;
    client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => {
      asked = params;
      return { role: 'assistant', model: 'a-model', content: { type: 'text', text: 'seen' } };
    });
    const { content, isError } = await client.callTool({ name: 'asks_about_bytes', arguments: {} });
    expect(content, String(isError)).to.deep.equal([{ type: 'text', text: 'a-model' }]);
    const image = { type: 'image', data: 'AQID', mimeType: 'image/png' };
    const found = {
      type: 'tool_result',
      toolUseId: 'a',
      content: [{ type: 'resource', resource: { uri: 'a://b', blob: 'cmVz' } }],
    };
    expect(asked).to.deep.include({
      messages: [image, [image, found], image].map((content) => ({ role: 'user', content })),
      metadata: { bytes: { $base64: 'AQ==' } },
    });
  });
});
