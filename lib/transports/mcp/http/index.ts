/** MCP over HTTP: `/mcp`. */
import type { TransportEntry } from '../../transport.ts';
import { mcpHttpOptions, mcpHttpRules } from './options.ts';

const NAME = 'mcp-http';

export const mcpHttp = {
  name: NAME,
  opens: 'listen',
  options: mcpHttpOptions,
  rules: mcpHttpRules,
  statsKey: 'mcp',
  load: async () => new (await import('./mcp-http-transport.ts')).McpHttpTransport(NAME),
} as const satisfies TransportEntry;
