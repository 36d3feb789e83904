/** Servers that know the stateless era alone: questions of their calls, and their news. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ElicitRequestSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect } from 'chai';
import { eventually } from '../../support/eventually.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { MountFolder } from './scripted-server.ts';

interface Asked {
  readonly id: number;
  readonly method: string;
  readonly params: {
    readonly name?: string;
    readonly inputResponses?: Readonly<Record<string, unknown>>;
    readonly requestState?: string;
    readonly notifications?: { readonly resourceSubscriptions?: readonly string[] };
    readonly _meta: Readonly<Record<string, unknown>>;
  };
}

const QUESTION = {
  method: 'elicitation/create',
  params: { message: 'who?', requestedSchema: { type: 'object', properties: {} } },
};
const text = (value: string) => ({ resultType: 'complete', content: [{ type: 'text', text: value }] });

/** By hand, so that what is asked can be looked at. */
class StatelessServer {
  readonly #streams = new Set<ServerResponse>();
  readonly asked: Asked[] = [];
  readonly tools = ['asks', 'plain', 'drops', 'waits'];
  release: (() => void) | null = null;
  readonly server: Server = createServer((request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end();
    void json(request).then((message) => this.#answer(message as Asked, response));
  });

  #answer(asked: Asked, response: ServerResponse): void {
    this.asked.push(asked);
    const { id, method, params } = asked;
    if (id === undefined) return void response.writeHead(202).end();
    if (method === 'subscriptions/listen') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      this.#streams.add(response);
      response.once('close', () => this.#streams.delete(response));
      return this.#send(response, 'notifications/subscriptions/acknowledged', {});
    }
    if (params.name === 'drops') return void response.destroy();
    const known = this.#results[method];
    if (params.name === 'waits') {
      this.release = () => response.end(JSON.stringify({ jsonrpc: '2.0', id, result: text('waited') }));
      return void response.writeHead(200, { 'Content-Type': 'application/json' });
    }
    const answer = known
      ? { result: known(params) }
      : { error: { code: -32601, message: `there is no ${method} in 2026-07-28` } };
    response.writeHead(known ? 200 : 404, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
  }

  readonly #results: Readonly<Record<string, ((params: Asked['params']) => object) | undefined>> = {
    'server/discover': () => ({
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: { listChanged: true }, resources: { subscribe: true, listChanged: true } },
    }),
    'tools/list': () => ({ tools: this.tools.map((name) => ({ name, inputSchema: { type: 'object' } })) }),
    'resources/list': () => ({ resources: [{ uri: 'test://one', name: 'one' }] }),
    'tools/call': ({ name, inputResponses, requestState }) => {
      if (name !== 'asks') return text('plain');
      if (inputResponses) return text(JSON.stringify([inputResponses, requestState]));
      return { resultType: 'input_required', inputRequests: { user_name: QUESTION }, requestState: 'mine' };
    },
  };

  #send(response: ServerResponse, method: string, params: object): void {
    response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method, params })}\n\n`);
  }

  tell(method: string, params = {}): void {
    for (const stream of this.#streams) this.#send(stream, method, params);
  }

  get listens(): number {
    return this.#streams.size;
  }

  endStreams(): void {
    for (const stream of this.#streams) stream.end();
  }
}

describe('a mounted server without sessions', () => {
  const folder = new MountFolder();
  const upstream = new StatelessServer();
  let gateway: TestGateway;
  const clients: Client[] = [];
  before(async () => {
    upstream.server.listen(0, '127.0.0.1');
    await new Promise((resolve) => upstream.server.once('listening', resolve));
    folder.write({ x: { url: `http://127.0.0.1:${(upstream.server.address() as AddressInfo).port}/mcp` } });
    gateway = await startGateway({ auth: false, builtIns: 'off', tools: [], mcpConfig: folder.file });
    await gateway.gateway.settled();
  });
  after(async () => {
    for (const client of clients) await client.close();
    await gateway?.close();
    upstream.server.closeAllConnections();
    upstream.server.close();
    folder.remove();
  });

  const connected = async (capabilities: object): Promise<Client> => {
    const client = new Client({ name: 'test', version: '1' }, { capabilities });
    clients.push(client);
    await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`)) as Transport);
    return client;
  };

  it('asks the client of the call, which is made again with the answer', async () => {
    const client = await connected({ elicitation: {} });
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => ({
      action: 'accept',
      content: { said: params.message },
    }));
    const { content } = await client.callTool({ name: 'x__asks', arguments: {} });
    expect(JSON.parse((content as { text: string }[])[0]?.text ?? '')).to.deep.equal([
      { user_name: { action: 'accept', content: { said: 'who?' } } },
      'mine',
    ]);
    const { params } = upstream.asked.findLast(({ method }) => method === 'tools/call') as Asked;
    expect(params._meta['io.modelcontextprotocol/clientCapabilities']).to.deep.equal({
      elicitation: { form: {} },
    });
  });

  it('is told that a client cannot be asked, and the client why its call failed', async () => {
    const client = await connected({});
    const result = await client.callTool({ name: 'x__asks', arguments: {} });
    expect(result.isError).to.equal(true);
    expect(JSON.stringify(result)).to.contain('cannot be asked').and.contain('failed_precondition');
    const { params } = upstream.asked.findLast(({ method }) => method === 'tools/call') as Asked;
    expect(params._meta['io.modelcontextprotocol/clientCapabilities']).to.deep.equal({});
  });

  it('has its news heard: of its lists, and of resources that somebody has subscribed to', async () => {
    const names = () => gateway.gateway.tools().map(({ name }) => name);
    await eventually(() => upstream.listens === 1);
    upstream.tools.push('added');
    upstream.tell('notifications/tools/list_changed');
    await eventually(() => names().includes('x__added'));
    const client = await connected({});
    const updated: string[] = [];
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      updated.push(params.uri);
    });
    await client.subscribeResource({ uri: 'x+test://one' });
    const wanted = () =>
      upstream.asked.findLast(({ method }) => method === 'subscriptions/listen')?.params.notifications;
    await eventually(() => wanted()?.resourceSubscriptions?.[0] === 'test://one' && upstream.listens === 1);
    upstream.tell('notifications/resources/updated', { uri: 'test://one' });
    await eventually(() => updated.length > 0);
    expect(updated).to.deep.equal(['x+test://one']);
  });

  it('ends one call where it drops its request, which does not run twice, and no other', async () => {
    const waiting = gateway.gateway.call('x__waits').outcome();
    await eventually(() => upstream.release !== null);
    const end = await gateway.gateway.call('x__drops').outcome();
    expect(end).to.have.nested.property('error.code', 'worker_crashed');
    expect(upstream.asked.filter(({ params }) => params?.name === 'drops')).to.have.length(1);
    upstream.release?.();
    expect(await waiting).to.have.property('data', '"waited"');
  });

  it('is listened to again where that has ended', async () => {
    const before = upstream.asked.filter(({ method }) => method === 'subscriptions/listen').length;
    upstream.endStreams();
    await eventually(
      () => upstream.asked.filter(({ method }) => method === 'subscriptions/listen').length > before,
    );
    await eventually(() => upstream.listens === 1);
  });
});
