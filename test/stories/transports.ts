/**
 * One call through each transport of a running gateway, in the way its clients make it, reduced to what the stories ask:
 * leave in the middle, or see how it ends.
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { WebSocket } from 'ws';
import { type GatewayProcess, KEY } from '../support/gateway-process.ts';
import { readEvents } from '../support/sse-events.ts';

export interface CallEnd {
  /** The error's code; null for success; 'cut' when the connection ended without a word. */
  readonly code: string | null;
  readonly chunks: number;
  readonly data?: unknown;
}

export interface TransportCall {
  leave(): void;
  readonly end: Promise<CallEnd>;
}

type StartCall = (gateway: GatewayProcess, tool: string, args: object) => TransportCall;

export const TRANSPORTS: Readonly<Record<'http' | 'sse' | 'ndjson' | 'websocket' | 'mcp', StartCall>> = {
  http: (gateway, tool, args) =>
    fetched(gateway, `/tools/${tool}`, args, 'application/json', async (response) => {
      const body = JSON.parse(await response.text());
      return { code: null, chunks: body.meta.chunks, data: body.data };
    }),

  sse: (gateway, tool, args) =>
    fetched(gateway, `/tools/${tool}/stream`, args, 'text/event-stream', async (response) => {
      let [code, chunks, data] = ['cut' as string | null, 0, undefined as unknown];
      for await (const { event, data: sent } of readEvents(response.body)) {
        if (event === 'chunk') chunks++;
        if (event === 'result') [code, data] = [null, sent.data];
        if (event === 'error') code = sent.code;
      }
      return { code, chunks, data };
    }),

  ndjson: (gateway, tool, args) =>
    fetched(gateway, `/tools/${tool}/stream`, args, 'application/x-ndjson', async (response) => {
      const lines = (await response.text()).trimEnd().split('\n');
      return endOf(lines.map((line) => JSON.parse(line)));
    }),

  websocket(gateway, tool, args) {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/ws/tools/${tool}?api_key=${KEY}`);
    const messages: Envelope[] = [];
    const end = new Promise<CallEnd>((resolve) => {
      socket.on('open', () => socket.send(JSON.stringify({ arguments: args })));
      socket.on('message', (text) => {
        const message = JSON.parse(String(text));
        messages.push(message);
        if (message.event === 'complete') socket.close();
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(endOf(messages)));
    });
    return { leave: () => socket.terminate(), end };
  },

  mcp(gateway, tool, args) {
    const controller = new AbortController();
    return { leave: () => controller.abort(), end: callByMcp(gateway, tool, args, controller.signal) };
  },
};

const MCP_META = 'io.github.mcp-streaming-gateway';

async function callByMcp(
  gateway: GatewayProcess,
  tool: string,
  args: object,
  signal: AbortSignal,
): Promise<CallEnd> {
  const client = new Client({ name: 'story', version: '1' });
  const sent: Promise<unknown>[] = [];
  const recordingFetch = (url: string | URL, init?: RequestInit) => {
    const answer = fetch(url, init);
    if (init?.method === 'POST') sent.push(answer);
    return answer;
  };
  let chunks = 0;
  try {
    const options = { requestInit: { headers: { 'X-API-Key': KEY } }, fetch: recordingFetch };
    await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', gateway.url), options));
    const onprogress = (report: object) => {
      const meta = (report as { _meta?: Record<string, { items: unknown[] }> })._meta;
      chunks += meta?.[`${MCP_META}/chunk`]?.items.length ?? 0;
    };
    const request = { name: tool, arguments: { ...args } };
    const result = await client.callTool(request, undefined, { signal, onprogress });
    const failure = result._meta?.[`${MCP_META}/error`] as { code: string } | undefined;
    return { code: failure?.code ?? null, chunks, data: result.structuredContent };
  } catch (error) {
    return { code: (error as { data?: { code?: string } }).data?.code ?? 'cut', chunks };
  } finally {
    // The client's word that it cancels is on its way yet, and closing would take it back.
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.allSettled(sent);
    await client.close();
  }
}

export const TRANSPORT_NAMES = Object.keys(TRANSPORTS) as (keyof typeof TRANSPORTS)[];

interface Envelope {
  readonly event: string;
  readonly error?: { readonly code: string };
  readonly data?: unknown;
}

function endOf(messages: readonly Envelope[]): CallEnd {
  const chunks = messages.filter(({ event }) => event === 'chunk').length;
  const last = messages.at(-1);
  if (last?.event !== 'complete') return { code: 'cut', chunks };
  const code = messages.find(({ event }) => event === 'error')?.error?.code ?? null;
  return { code, chunks, data: last.data };
}

function fetched(
  gateway: GatewayProcess,
  path: string,
  args: object,
  accept: string,
  read: (response: Response) => Promise<CallEnd>,
): TransportCall {
  const controller = new AbortController();
  const answer = fetch(gateway.url + path, {
    method: 'POST',
    headers: { 'X-API-Key': KEY, 'Content-Type': 'application/json', Accept: accept },
    body: JSON.stringify({ arguments: args }),
    signal: controller.signal,
  });
  const end = answer
    .then(async (response): Promise<CallEnd> => {
      if (response.ok) return read(response);
      return { code: JSON.parse(await response.text()).code, chunks: 0 };
    })
    .catch((): CallEnd => ({ code: 'cut', chunks: 0 }));
  return { leave: () => controller.abort(), end };
}
