/**
 * Contestant "MCP SDK v1 Streamable HTTP" on Express, as its README shows it: MODE=stateful keeps a transport per
 * session, MODE=stateless makes a server and a transport per request.
 */
import { randomUUID } from 'node:crypto';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { createSdkV1Server } from './sdk-v1-tools.mjs';
import { PORT } from './work.mjs';

const transports = new Map();

async function stateful(request, response) {
  const known = transports.get(request.headers['mcp-session-id']);
  if (known !== undefined) return known.handleRequest(request, response, request.body);
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => transports.set(id, transport),
  });
  await createSdkV1Server().connect(transport);
  await transport.handleRequest(request, response, request.body);
}

async function stateless(request, response) {
  const server = createSdkV1Server();
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on('close', () => {
    transport.close();
    server.close();
  });
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
}

const app = express();
app.use(express.json());
app.get('/health', (_request, response) => response.json({ status: 'ok' }));
app.post('/mcp', process.env.MODE === 'stateless' ? stateless : stateful);
app.listen(PORT, '127.0.0.1');
