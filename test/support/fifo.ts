/** A FIFO without a writer: whoever opens it to read waits in the system, where nothing can end the thread. */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';

export interface Fifo {
  readonly path: string;
  /** Lets all go who wait. */
  release(): void;
}

/** Not on Windows, which has none. */
export function makeFifo(folder: string): Fifo {
  const path = join(folder, 'fifo');
  execFileSync('mkfifo', [path]);
  return { path, release: () => closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK)) };
}
