/** Contestant "SDK v2": `createMcpHandler` on node:http; one endpoint for both protocol eras. */
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { PORT } from './work.mjs';

const input = z.object({ text: z.string() });

const handler = toNodeHandler(
  createMcpHandler(() => {
    const server = new McpServer({ name: 'bench', version: '1.0.0' });
    server.registerTool(
      'echo',
      { description: 'Echoes.', inputSchema: input, outputSchema: input },
      async ({ text }) => ({
        content: [{ type: 'text', text: JSON.stringify({ text }) }],
        structuredContent: { text },
      }),
    );
    return server;
  }),
);

createServer((request, response) => {
  if (request.url === '/health') return response.end('ok');
  handler(request, response);
}).listen(PORT, '127.0.0.1');
