/** What clients of MCP get of a mounted server, through a whole gateway; and tools whose definition changes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ElicitRequestSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect } from 'chai';
import { eventually } from '../../support/eventually.ts';
import { KEY } from '../../support/gateway-process.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { MountFolder, scripted } from './scripted-server.ts';

describe('a mounted server over MCP', () => {
  const folder = new MountFolder();
  const described = join(folder.path, 'described');
  let gateway: TestGateway;
  let client: Client;
  const updated: string[] = [];
  const headers = { 'X-API-Key': KEY };
  before(async () => {
    writeFileSync(described, 'harmless');
    folder.write({ x: scripted(), pinned: scripted({ pin: true, env: { DESCRIBED: described } }) });
    const options = { mcpConfig: folder.file, dataDir: folder.path, reload: true };
    gateway = await startGateway({ ...options, builtIns: 'off', tools: [] });
    await gateway.gateway.settled();
    client = new Client({ name: 'test', version: '1' }, { capabilities: { elicitation: {} } });
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      updated.push(params.uri);
    });
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'me' } }));
    const url = new URL(`${gateway.url}/mcp`);
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }) as Transport);
  });
  after(async () => {
    await client?.close();
    await gateway?.close();
    folder.remove();
  });

  /** A tools/call without any library, and the bytes of its answer. */
  const raw = async (name: string, args: object, meta: object = {}): Promise<string> => {
    const response = await fetch(`${gateway.url}/mcp`, {
      method: 'POST',
      headers: {
        ...headers,
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        'MCP-Protocol-Version': '2026-07-28',
        'Mcp-Method': 'tools/call',
        'Mcp-Name': name,
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: {
          name,
          arguments: args,
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientCapabilities': {},
            ...meta,
          },
        },
      }),
    });
    return response.text();
  };

  it('has its results passed byte for byte', async () => {
    const answer = await raw('x__exact', {});
    expect(answer)
      .to.contain('"structuredContent":{"b":1.0,"a":12345678901234567890,"2":0}')
      .and.contain('"content":[{"type":"text","text":"\\u00e9"}]');
    expect(await raw('x__fails', {})).to.contain(
      '"content":[{"type":"text","text":"no such city"}],"isError":true',
    );
  });

  it('has all of 20 000 reports told, in order, before the result', async () => {
    const answer = await raw('x__progress', { n: 20_000 }, { progressToken: 'p' });
    const reports = [...answer.matchAll(/"progressToken":"p","progress":(\d+)/g)].map(([, n]) => Number(n));
    expect(reports).to.have.length(20_000);
    expect(reports.every((n, at) => n === at + 1)).to.equal(true);
    expect(answer.lastIndexOf('"progressToken"')).to.be.below(answer.indexOf('"result"'));
  });

  it('is told what its client says in _meta, but not what belongs to the connection', async () => {
    const answer = await raw('x__meta', {}, { traceparent: '00-1-2-01', mine: { a: 1 } });
    expect(answer).to.contain('traceparent').and.contain('mine').and.not.contain('clientCapabilities\\');
    // A server of both eras would take a request with a key of the other era for one of that.
    const logged = await raw('x__meta', {}, { 'io.modelcontextprotocol/logLevel': 'debug' });
    expect(logged).to.contain('"result"').and.not.contain('logLevel');
  });

  it('is told of the trace of its call in _meta, whatever brought it', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const response = await fetch(`${gateway.url}/tools/x__meta`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json', traceparent, tracestate: 'vendor=1' },
      body: '{}',
    });
    expect(await response.text())
      .to.contain(traceparent)
      .and.contain('vendor=1');
  });

  it('asks the client of the call', async () => {
    const result = await client.callTool({ name: 'x__asks', arguments: {} });
    expect(JSON.stringify(result)).to.contain('accept').and.contain('me');
  });

  it('tells of resources that a client has subscribed to, and of no others', async () => {
    const { resources } = await client.listResources();
    expect(resources).to.deep.include({ uri: 'x+test://one', name: 'one' });
    await client.callTool({ name: 'x__touches', arguments: {} });
    await client.subscribeResource({ uri: 'x+test://one' });
    expect(updated).to.deep.equal([]);
    await client.callTool({ name: 'x__touches', arguments: {} });
    await eventually(() => updated.length > 0);
    expect(updated).to.deep.equal(['x+test://one']);
  });

  it('can be read at URIs of templates, and at those that nobody lists', async () => {
    const { contents } = await client.readResource({ uri: 'x+test://of/7' });
    expect(contents[0]).to.include({ uri: 'x+test://of/7', text: 'text of test://of/7' });
    const other = await client.readResource({ uri: 'x+other:thing' });
    expect(other.contents[0]).to.include({ text: 'text of other:thing' });
  });

  it('has prompts and completions under its name', async () => {
    const { messages } = await client.getPrompt({ name: 'x__greet', arguments: { who: 'you' } });
    expect(messages[0]?.content).to.include({ text: 'hello you' });
    const { completion } = await client.complete({
      ref: { type: 'ref/prompt', name: 'x__greet' },
      argument: { name: 'who', value: 'a' },
    });
    expect(completion.values).to.deep.equal(['a!']);
  });

  it('has a tool refused whose definition has changed, where it is pinned, until that is accepted', async () => {
    const names = () => gateway.gateway.tools().map(({ name }) => name);
    expect(names()).to.include('pinned__changes');
    writeFileSync(described, 'now do something else first');
    await gateway.gateway.call('pinned__changes').outcome();
    await eventually(() => !names().includes('pinned__changes'), { what: 'a refused tool' });
    expect(names()).to.include('pinned__echo');
    const refused = await gateway.gateway.call('pinned__changes').outcome();
    expect(refused).to.have.nested.property('error.code', 'tool_not_found');
    expect((await gateway.gateway.acceptChanges('pinned'))['pinned']).to.be.above(10);
    expect(names()).to.include('pinned__changes');
  });

  it('comes and goes with the file that is watched', async () => {
    const names = () => gateway.gateway.tools().map(({ name }) => name);
    folder.write({ x: scripted(), added: scripted() });
    await eventually(() => names().includes('added__echo') && !names().includes('pinned__echo'));
    expect(names()).to.include('x__echo');
    writeFileSync(folder.file, '{ broken');
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(names()).to.include('added__echo');
  });
});
