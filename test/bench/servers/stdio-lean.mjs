/**
 * A hand-written stdio MCP server without any library, validation or checks: the cheapest worker a subprocess pool
 * can have, and so the hardest form of that contestant; and behind a bridge, what shows the bridge alone.
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

const text = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };

async function answer(method, params) {
  if (method === 'tools/call') {
    const value = await tools[params.name](params.arguments);
    return { content: [{ type: 'text', text: JSON.stringify(value) }], structuredContent: value };
  }
  if (method === 'tools/list') return { tools: [{ name: 'echo', inputSchema: text }] };
  if (method === 'ping') return {};
  return {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'lean', version: '1' },
  };
}

async function handle({ id, method, params }) {
  if (id === undefined) return;
  const result = await answer(method, params);
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
}

let rest = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (text) => {
  const lines = (rest + text).split('\n');
  rest = lines.pop();
  for (const line of lines) if (line !== '') handle(JSON.parse(line));
});
