/** Contestant "tmcp", served as its README shows: @remix-run/node-fetch-server on node:http. */
import { createServer } from 'node:http';
import { createRequestListener } from '@remix-run/node-fetch-server';
import { ZodJsonSchemaAdapter } from '@tmcp/adapter-zod';
import { HttpTransport } from '@tmcp/transport-http';
import { McpServer } from 'tmcp';
import { z } from 'zod';
import { PORT } from './work.mjs';

const schema = z.object({ text: z.string() });
const server = new McpServer(
  { name: 'bench', version: '1.0.0', description: 'bench' },
  { adapter: new ZodJsonSchemaAdapter(), capabilities: { tools: {} } },
);
server.tool({ name: 'echo', description: 'Echoes.', schema, outputSchema: schema }, async ({ text }) => ({
  content: [{ type: 'text', text: JSON.stringify({ text }) }],
  structuredContent: { text },
}));

// Tools that are only there, for what one of them takes.
const moreOf = () =>
  z.object({
    query: z.string().min(1).describe('What to look for.'),
    limit: z.int().min(1).max(100).default(10),
    tags: z.array(z.string()).optional(),
  });
for (let n = 0; n < Number(process.env.MORE_TOOLS ?? 0); n += 1)
  server.tool(
    {
      name: `tool_${n}`,
      description: `Looks up number ${n} in an archive and gives back what it finds there.`,
      schema: moreOf(),
    },
    async ({ query }) => ({ content: [{ type: 'text', text: query }] }),
  );

const transport = new HttpTransport(server, { path: '/mcp' });
createServer(
  createRequestListener(
    async (request) => (await transport.respond(request)) ?? new Response(null, { status: 404 }),
  ),
).listen(PORT, '127.0.0.1');
