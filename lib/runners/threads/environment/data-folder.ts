/** Makes the data folder, or tells in one sentence why it cannot be used. */
import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ToolError } from '../../../call/tool-error.ts';

/** @throws {ToolError} `unavailable` when the folder cannot be made or written. */
export function claimDataFolder(path: string): void {
  try {
    makeFolder(path);
    accessSync(path, constants.W_OK);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new ToolError(
      'unavailable',
      `the data folder ${path} cannot be written (${reason}); choose another with --data-dir (DATA_DIR)`,
      { cause },
    );
  }
}

/** Not `recursive: true`: Node never returns from that below /proc, where making a folder fails with ENOENT. */
function makeFolder(path: string): void {
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
