/**
 * From what an operator names (paths and folders of tool modules) to the URLs that threads import. Nothing is loaded
 * here: tool code runs in threads only.
 *
 * P1. A folder stays one, a URL that ends in a slash: each thread looks into it when it loads, so that `--reload` sees
 *     what has been added, removed or renamed.
 */
import { readdirSync, statSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ToolError } from '../../../call/tool-error.ts';

const MODULE_FILE = /(?<!\.d)\.[cm]?[jt]s$/;

/**
 * URLs of the modules and folders at `paths` (files, folders, or file URLs), in order.
 * @throws {ToolError} `unavailable` naming the path that cannot be read, or a folder without modules.
 */
export function findToolModules(paths: readonly string[]): string[] {
  return paths.map((path) => urlOf(path.startsWith('file:') ? fileURLToPath(path) : resolve(path)));
}

function urlOf(path: string): string {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (error) {
    throw unreadable('module', path, error);
  }
  const url = pathToFileURL(isFolder ? `${path}${sep}` : path).href;
  if (isFolder) modulesIn(url);
  return url;
}

export const isFolderUrl = (url: string): boolean => url.endsWith('/');

/** URLs of the modules in a folder, by name. @throws like `findToolModules`. */
export function modulesIn(folder: string): string[] {
  const path = fileURLToPath(folder);
  let names: string[];
  try {
    names = readdirSync(path);
  } catch (error) {
    throw unreadable('folder', path, error);
  }
  const files = names.filter((name) => MODULE_FILE.test(name) && !name.includes('.test.'));
  if (files.length > 0) return files.sort().map((name) => pathToFileURL(`${path}${name}`).href);
  throw new ToolError(
    'unavailable',
    `the tool folder ${path} holds no module (.js, .mjs, .cjs, .ts); correct --tools (TOOLS)`,
  );
}

function unreadable(kind: string, path: string, error: unknown): ToolError {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = code === 'ENOENT' ? 'it does not exist' : message;
  return new ToolError(
    'unavailable',
    `the tool ${kind} ${path} cannot be read: ${reason}; correct --tools (TOOLS)`,
  );
}
