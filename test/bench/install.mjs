/**
 * Installs the contestants on first use. A failed install is no end: what is missing is listed as absent, with the
 * reason, in the tables.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const directory = fileURLToPath(new URL('./', import.meta.url));
if (!existsSync(`${directory}node_modules`)) {
  const { status } = spawnSync('npm', ['ci', '--prefix', directory, '--no-audit', '--no-fund'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) console.error('the contestants could not be installed; they will be listed as absent');
}
