/** WebSocket: several calls at a time on one connection, and questions of tools to their callers. */
import type { TransportEntry } from '../transport.ts';
import { websocketOptions } from './options.ts';

const NAME = 'websocket';

export const websocket = {
  name: NAME,
  opens: 'listen',
  options: websocketOptions,
  rules: [],
  load: async () => new (await import('./websocket-transport.ts')).WebSocketTransport(NAME),
} as const satisfies TransportEntry;
