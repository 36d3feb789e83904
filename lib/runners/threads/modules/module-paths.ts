/**
 * From what an operator names (paths and folders of tool modules) to the URLs that threads import. Nothing is loaded
 * here: tool code runs in threads only.
 */
import { readdirSync, statSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ToolError } from '../../../call/tool-error.ts';

const MODULE_FILE = /(?<!\.d)\.(?:m?js|cjs|m?ts)$/;

/**
 * URLs of the modules at `paths` (files, folders, or file URLs), in order; a folder gives its module files by name.
 * @throws {ToolError} `unavailable` naming the path that cannot be read, or a folder without modules.
 */
export function findToolModules(paths: readonly string[]): string[] {
  return paths.flatMap((path) => modulesAt(path.startsWith('file:') ? fileURLToPath(path) : resolve(path)));
}

function modulesAt(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [pathToFileURL(path).href];
    const files = readdirSync(path).filter((name) => MODULE_FILE.test(name) && !name.includes('.test.'));
    if (files.length > 0) return files.sort().map((name) => pathToFileURL(`${path}${sep}${name}`).href);
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it does not exist' : (error as Error).message;
    throw new ToolError(
      'unavailable',
      `the tool module ${path} cannot be read: ${reason}; correct --tools (TOOLS)`,
    );
  }
  throw new ToolError(
    'unavailable',
    `the tool folder ${path} holds no module (.js, .mjs, .ts); correct --tools (TOOLS)`,
  );
}
