/** NDJSON: a call as a stream of JSON lines, for programs. */
import type { TransportEntry } from '../transport.ts';

const NAME = 'ndjson';

export const ndjson = {
  name: NAME,
  opens: 'listen',
  options: {},
  rules: [],
  load: async () => new (await import('./ndjson-transport.ts')).NdjsonTransport(NAME),
} as const satisfies TransportEntry;
