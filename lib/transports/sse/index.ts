/** Server-Sent Events: a call as a stream that browsers and curl read. */
import type { TransportEntry } from '../transport.ts';

const NAME = 'sse';

export const sse = {
  name: NAME,
  opens: 'listen',
  options: {},
  rules: [],
  load: async () => new (await import('./sse-transport.ts')).SseTransport(NAME),
} as const satisfies TransportEntry;
