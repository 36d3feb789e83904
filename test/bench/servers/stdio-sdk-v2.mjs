/** SDK v2 over stdio, for the cold start. */
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const input = z.object({ text: z.string() });

serveStdio(() => {
  const server = new McpServer({ name: 'bench', version: '1.0.0' });
  server.registerTool('echo', { description: 'Echoes.', inputSchema: input }, async ({ text }) => ({
    content: [{ type: 'text', text: JSON.stringify({ text }) }],
  }));
  return server;
});
