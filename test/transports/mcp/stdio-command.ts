/** How SDK clients start the stdio server, over fixture tools and with data of its own. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixture } from '../../support/start-pool.ts';

export const stdioCommand = (modules: readonly string[]) => ({
  command: process.execPath,
  args: [
    new URL('../../../bin/mcp-streaming-gateway.js', import.meta.url).pathname,
    'stdio',
    ...modules.flatMap((name) => ['--tools', new URL(fixture(name)).pathname]),
    '--log-level',
    'ERROR',
  ],
  // A thread that is killed loses the calls beside the cancelled one, and what it would have noted: not for a busy machine.
  env: {
    PATH: process.env['PATH'] ?? '',
    DATA_DIR: mkdtempSync(join(tmpdir(), 'mcp-stdio-')),
    CANCEL_GRACE: '15',
  },
});
