/**
 * An MCP server of SDK v1 with the tools of the workloads; shared by the stdio and the HTTP contestants.
 */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
import { burn, paced, sleep, smallChunk, tokenChunk } from './work.mjs';

const asResult = (value) => ({
  content: [{ type: 'text', text: JSON.stringify(value) }],
  structuredContent: value,
});

export function createSdkV1Server() {
  const server = new McpServer({ name: 'bench', version: '1.0.0' });
  server.registerTool(
    'echo',
    { description: 'Echoes.', inputSchema: { text: z.string() }, outputSchema: { text: z.string() } },
    async ({ text }) => asResult({ text }),
  );
  server.registerTool(
    'wait',
    { description: 'Waits.', inputSchema: { delayMs: z.number() } },
    async ({ delayMs }) => {
      await sleep(delayMs);
      return asResult({ text: 'waited' });
    },
  );
  server.registerTool(
    'burn',
    { description: 'Burns CPU.', inputSchema: { iterations: z.number() } },
    async ({ iterations }) => asResult({ state: burn(iterations) }),
  );
  const report = ({ sendNotification, _meta }, n, chunk) =>
    sendNotification({
      method: 'notifications/progress',
      params: { progressToken: _meta?.progressToken ?? 'p', progress: n + 1, _meta: { chunk } },
    });
  server.registerTool(
    'chunks',
    { description: 'Streams chunks as progress.', inputSchema: { count: z.number() } },
    async ({ count }, extra) => {
      for (let n = 0; n < count; n += 1) await report(extra, n, smallChunk(n));
      return asResult({ chunks: count });
    },
  );
  server.registerTool(
    'tokens',
    {
      description: 'Streams chunks one by one, as progress.',
      inputSchema: { count: z.number(), everyMs: z.number() },
    },
    async (args, extra) => {
      for await (const n of paced(args)) await report(extra, n, tokenChunk(n));
      return asResult({ chunks: args.count });
    },
  );
  // Tools that are only there, for what one of them takes.
  for (let n = 0; n < Number(process.env.MORE_TOOLS ?? 0); n += 1)
    server.registerTool(
      `tool_${n}`,
      {
        description: `Looks up number ${n} in an archive and gives back what it finds there.`,
        inputSchema: {
          query: z.string().min(1).describe('What to look for.'),
          limit: z.int().min(1).max(100).default(10),
          tags: z.array(z.string()).optional(),
        },
      },
      async ({ query, limit }) => asResult({ query, limit }),
    );
  return server;
}
