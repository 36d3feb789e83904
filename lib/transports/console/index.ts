/** The web console: a page that lists, runs and watches tools, and shows the gateway at work. */
import type { TransportEntry } from '../transport.ts';
import { consoleOptions } from './options.ts';

const NAME = 'console';

export const webConsole = {
  name: NAME,
  opens: 'listen',
  options: consoleOptions,
  rules: [],
  load: async () => new (await import('./console-transport.ts')).ConsoleTransport(NAME),
} as const satisfies TransportEntry;
