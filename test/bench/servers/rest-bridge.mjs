/**
 * Contestant "mcpo-like": REST in front of one stdio MCP server, as mcpo does it (which is Python): Express and the client
 * of SDK v1. UPSTREAM is the server's program.
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import express from 'express';
import { PORT } from './work.mjs';

const client = new Client({ name: 'rest-bridge', version: '1.0.0' });
await client.connect(new StdioClientTransport({ command: process.execPath, args: [process.env.UPSTREAM] }));

const app = express();
app.use(express.json());
app.get('/health', (_request, response) => response.json({ status: 'ok' }));
app.post('/:tool', async (request, response) => {
  const { content, isError } = await client.callTool({ name: request.params.tool, arguments: request.body });
  response.status(isError ? 500 : 200).json(content.length === 1 ? JSON.parse(content[0].text) : content);
});
app.listen(PORT, '127.0.0.1');
