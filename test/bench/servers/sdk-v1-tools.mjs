/**
 * An MCP server of SDK v1 with the tools of the workloads; shared by the stdio and the HTTP contestants.
 */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
import { burn, sleep, smallChunk } from './work.mjs';

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
  server.registerTool(
    'chunks',
    { description: 'Streams chunks as progress.', inputSchema: { count: z.number() } },
    async ({ count }, extra) => {
      for (let n = 0; n < count; n += 1) {
        await extra.sendNotification({
          method: 'notifications/progress',
          params: {
            progressToken: extra._meta?.progressToken ?? 'p',
            progress: n + 1,
            _meta: { chunk: smallChunk(n) },
          },
        });
      }
      return asResult({ chunks: count });
    },
  );
  return server;
}
