/** Contestant "fastmcp" (npm): MODE=stateful, stateless, or stdio. */
import { FastMCP } from 'fastmcp';
import { z } from 'zod';
import { PORT, smallChunk } from './work.mjs';

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
if (process.env.MODE === 'stdio') await server.start({ transportType: 'stdio' });
else {
  await server.start({
    transportType: 'httpStream',
    httpStream: { port: PORT, host: '127.0.0.1', stateless: process.env.MODE === 'stateless' },
  });
}
