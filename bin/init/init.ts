/**
 * `init DIR`: writes a package of tools to begin with.
 *
 * I1. It writes into a folder that is new or empty, and touches nothing else.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { packageFiles } from './template.ts';

/** What the path of a folder becomes as the name of a package. */
const nameOf = (folder: string): string =>
  basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|-+$/g, '')
    .slice(0, 214) || 'my-tools';

/** @returns the exit code. */
export function init(dir: string): number {
  const folder = resolve(dir);
  try {
    mkdirSync(folder, { recursive: true });
    if (readdirSync(folder).length > 0) throw new Error(`${folder} is not empty; name a new folder`);
    const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
    const { version } = JSON.parse(manifest) as { version: string };
    const files = packageFiles(nameOf(folder), version);
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text, { flag: 'wx' });
    }
    process.stdout.write(
      `Wrote ${Object.keys(files).length} files to ${folder}. Next:\n\n  cd ${dir}\n  npm install\n  npm test\n  npm start\n`,
    );
    return 0;
  } catch (error) {
    process.stderr.write(`mcp-streaming-gateway: init: ${(error as Error).message}\n`);
    return 1;
  }
}
