/** Clients of both majors of the SDK, over both transports and in both eras, as one kind of thing. */
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { expect } from 'chai';
import { startMcp } from './start-mcp.ts';
import { stdioCommand } from './stdio-command.ts';

const headers = { 'X-API-Key': 'super-secret' };
const info = { name: 'test-client', version: '1' };

/** What the tests use of a client, the same in both majors of the SDK. */
export interface AnyClient {
  listTools(): Promise<{ tools: { name: string; [field: string]: unknown }[] }>;
  callTool(params: object, options: object): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

async function v1(transport: Transport): Promise<AnyClient> {
  const client = new Client(info, { capabilities: {} });
  await client.connect(transport);
  return {
    listTools: () => client.listTools(),
    callTool: (params, options) => client.callTool(params as never, undefined, options) as never,
    close: () => client.close(),
  };
}

async function v2(transport: HttpV2 | StdioV2, mode: 'legacy' | 'auto'): Promise<AnyClient> {
  const client = new ClientV2(info, { capabilities: {}, versionNegotiation: { mode } });
  await client.connect(transport);
  expect(client.getProtocolEra()).to.equal(mode === 'auto' ? 'modern' : 'legacy');
  return client as never;
}

type Open = (http: () => HttpV2, command: ReturnType<typeof stdioCommand>, url: URL) => Promise<AnyClient>;

const OPEN: Readonly<Record<string, Open>> = {
  'SDK v1 over HTTP': (_http, _command, url) =>
    v1(new StreamableHTTPClientTransport(url, { requestInit: { headers } }) as Transport),
  'SDK v1 over stdio': (_http, command) => v1(new StdioClientTransport(command)),
  'SDK v2 over HTTP, era with sessions': (http) => v2(http(), 'legacy'),
  'SDK v2 over HTTP, stateless era': (http) => v2(http(), 'auto'),
  'SDK v2 over stdio, era with sessions': (_http, command) => v2(new StdioV2(command), 'legacy'),
  'SDK v2 over stdio, stateless era': (_http, command) => v2(new StdioV2(command), 'auto'),
};

export const CLIENTS: readonly string[] = Object.keys(OPEN);

/**
 * What a call brought once all of it was told, else what came the last time. The SDK's clients drop a notification that
 * they read together with the response: the gateway writes the two apart, and a client that is held up for longer reads
 * both at once all the same. Such a call is made again, a few times; what never comes is missing here too.
 */
export async function whole<T>(make: () => Promise<T>, isWhole: (brought: T) => boolean): Promise<T> {
  let brought = await make();
  for (let again = 0; again < 4 && !isWhole(brought); again++) brought = await make();
  return brought;
}

/** Connects the client of that name, one over HTTP, to an address. */
export function connectHttpClient(name: string, url: URL): Promise<AnyClient> {
  const http = () => new HttpV2(url, { requestInit: { headers } });
  return (OPEN[name] as Open)(http, stdioCommand([]), url);
}

/** Connects the client of that name to a gateway with these fixtures; closing it closes that too. */
export async function connectClient(name: string, modules: readonly string[]): Promise<AnyClient> {
  const mcp = name.includes('stdio') ? undefined : await startMcp({ modules });
  const url = new URL(mcp?.url ?? 'http://stdio');
  const http = () => new HttpV2(url, { requestInit: { headers } });
  const client = await (OPEN[name] as Open)(http, stdioCommand(modules), url);
  return {
    listTools: () => client.listTools(),
    callTool: (params, options) => client.callTool(params, options),
    async close() {
      await client.close();
      await mcp?.close();
    },
  };
}
