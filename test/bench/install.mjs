/**
 * Prepares the benchmark on first use: installs the contestants, and links this package beside them, so that the bench's
 * tools find it as a user's tools find an installed one.
 *
 * A failed install is no end: what is missing is listed as absent, with the reason, in the tables.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const directory = fileURLToPath(new URL('./', import.meta.url));
const modules = `${directory}node_modules`;
if (!existsSync(modules)) {
  const { status } = spawnSync('npm', ['ci', '--prefix', directory, '--no-audit', '--no-fund'], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) console.error('the contestants could not be installed; they will be listed as absent');
}
const link = `${modules}/mcp-streaming-gateway`;
if (!existsSync(link)) {
  mkdirSync(modules, { recursive: true });
  symlinkSync(fileURLToPath(new URL('../../', import.meta.url)), link, 'junction');
}
