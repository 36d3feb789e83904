/**
 * A hand-written stdio MCP server without any library, validation or checks: the cheapest worker a subprocess pool
 * can have, and so the hardest form of that contestant.
 */
import { burn, sleep } from './work.mjs';

const tools = {
  echo: ({ text }) => ({ text }),
  wait: async ({ delayMs }) => {
    await sleep(delayMs);
    return { text: 'waited' };
  },
  burn: ({ iterations }) => ({ state: burn(iterations) }),
};

async function handle(message) {
  if (message.id === undefined) return;
  const result =
    message.method === 'tools/call'
      ? { structuredContent: await tools[message.params.name](message.params.arguments) }
      : { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'lean', version: '1' } };
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, result })}\n`);
}

let rest = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (text) => {
  const lines = (rest + text).split('\n');
  rest = lines.pop();
  for (const line of lines) if (line !== '') handle(JSON.parse(line));
});
