/** Makes the data folder, or tells in one sentence why it cannot be used. */
import { accessSync, constants, mkdirSync } from 'node:fs';

/** @throws {Error} when the folder cannot be made or written to. */
export function prepareDataFolder(path: string): void {
  try {
    // Journeys are private: only this user may read the folder.
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.W_OK);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new Error(
      `the data folder ${path} cannot be written (${reason}); choose another with --data-dir or DATA_DIR`,
      { cause },
    );
  }
}
