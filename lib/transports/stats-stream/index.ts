/** The figures of the gateway as they move, for who watches: the console, or a script. */
import type { TransportEntry } from '../transport.ts';

const NAME = 'stats-stream';

export const statsStream = {
  name: NAME,
  opens: 'listen',
  options: {},
  rules: [],
  load: async () => new (await import('./stats-stream-transport.ts')).StatsStreamTransport(NAME),
} as const satisfies TransportEntry;
