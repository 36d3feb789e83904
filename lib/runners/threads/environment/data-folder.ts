/**
 * Makes the data folder, or tells in one sentence why it cannot be used.
 *
 * D1. A path that is no folder's is a wrong setting, and ends the start. A folder that may not be written (a read-only
 *     disk, somebody else's home) is no reason to serve nothing: only what keeps data there is unavailable.
 */
import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ToolError } from '../../../call/tool-error.ts';

/** What says that there is something else where the folder, or one above it, should be. */
const NO_FOLDER = ['ENOTDIR', 'EEXIST'];

/**
 * @returns undefined when the folder is there and can be written; else why not, for the log.
 * @throws {ToolError} `unavailable` when the path is no folder's.
 */
export function claimDataFolder(path: string): string | undefined {
  try {
    makeFolder(path);
    accessSync(path, constants.W_OK);
    return undefined;
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    const text = `the data folder ${path} cannot be written (${reason}); choose another with --data-dir (DATA_DIR)`;
    if (NO_FOLDER.includes(reason)) throw new ToolError('unavailable', text, { cause });
    return text;
  }
}

/**
 * Makes a folder and those above it, where they are missing. Not `recursive: true`: Node never returns from that below
 * /proc, where making a folder fails with ENOENT.
 */
export function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent);
  try {
    // What is kept there is this user's alone.
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another gateway that starts at this moment may have made it.
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}
