/** MCP on a pair of streams, for clients that start their servers. */
import type { TransportEntry } from '../../transport.ts';

const NAME = 'mcp-stdio';

export const mcpStdio = {
  name: NAME,
  opens: 'connect',
  options: {},
  rules: [],
  load: async () => new (await import('./mcp-stdio-transport.ts')).McpStdioTransport(NAME),
} as const satisfies TransportEntry;
