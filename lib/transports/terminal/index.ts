/** One call on the command line, or from code. */
import type { TransportEntry } from '../transport.ts';

const NAME = 'cli';

export const terminal = {
  name: NAME,
  opens: 'print',
  options: {},
  rules: [],
  load: async () => new (await import('./print-call.ts')).CallPrinter(NAME),
} as const satisfies TransportEntry;
