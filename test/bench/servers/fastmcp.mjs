/** Contestant "fastmcp" (npm): MODE=stateful, stateless, or stdio. */
import { FastMCP } from 'fastmcp';
import { z } from 'zod';
import { PORT, paced, smallChunk, tokenChunk } from './work.mjs';

const server = new FastMCP({ name: 'bench', version: '1.0.0' });
server.addTool({
  name: 'echo',
  description: 'Echoes.',
  parameters: z.object({ text: z.string() }),
  execute: async ({ text }) => JSON.stringify({ text }),
});
server.addTool({
  name: 'chunks',
  description: 'Streams chunks.',
  parameters: z.object({ count: z.number() }),
  annotations: { streamingHint: true },
  execute: async ({ count }, { streamContent }) => {
    for (let n = 0; n < count; n += 1)
      await streamContent({ type: 'text', text: JSON.stringify(smallChunk(n)) });
    return 'complete';
  },
});
server.addTool({
  name: 'tokens',
  description: 'Streams chunks one by one.',
  parameters: z.object({ count: z.number(), everyMs: z.number() }),
  annotations: { streamingHint: true },
  execute: async (args, { streamContent }) => {
    for await (const n of paced(args))
      await streamContent({ type: 'text', text: JSON.stringify(tokenChunk(n)) });
    return 'complete';
  },
});
if (process.env.MODE === 'stdio') await server.start({ transportType: 'stdio' });
else {
  await server.start({
    transportType: 'httpStream',
    httpStream: { port: PORT, host: '127.0.0.1', stateless: process.env.MODE === 'stateless' },
  });
}
