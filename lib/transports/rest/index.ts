/** Plain HTTP: a call as one JSON answer, the list of tools, and the cancelling of calls. */
import type { TransportEntry } from '../transport.ts';

const NAME = 'http';

export const rest = {
  name: NAME,
  opens: 'listen',
  options: {},
  rules: [],
  load: async () => new (await import('./rest-transport.ts')).RestTransport(NAME),
} as const satisfies TransportEntry;
