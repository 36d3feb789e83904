/**
 * Tells when files have changed, however that is done: written in place, replaced by a rename, or behind a symbolic
 * link that is pointed elsewhere, as Kubernetes does it.
 *
 * W1. Asks the file system again and again: notifications miss changes behind links and on network file systems.
 * W2. Several files are one thing: it is told once, when none of them has changed any more since the look before. What
 *     is half written, or half of a pair, is mostly not seen.
 * W3. What is no regular file (a pipe, a device) can be read once, and is not watched. A missing file is a change.
 * W4. Keeps no process alive.
 */
import { type Stats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

const LOOK_MS = 250;

export class FileWatch {
  readonly #paths: readonly string[];
  readonly #onChange: () => void;
  readonly #timer: NodeJS.Timeout;
  /** What was told last, and what the look before saw. */
  #told: string;
  #seen: string;
  #isLooking = false;

  /** Make it before the files are read, so that no change is between. @param onChange must not throw. */
  constructor(paths: readonly string[], onChange: () => void, lookMs = LOOK_MS) {
    this.#paths = paths;
    this.#onChange = onChange;
    this.#told = paths.map((path) => sign(() => statSync(path))).join();
    this.#seen = this.#told;
    this.#timer = setInterval(() => void this.#look(), lookMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return; // of a file system that does not answer one look is enough
    this.#isLooking = true;
    const signs = await Promise.all(
      this.#paths.map((path) =>
        stat(path).then(
          (stats) => sign(() => stats),
          () => ABSENT,
        ),
      ),
    );
    this.#isLooking = false;
    const now = signs.join();
    const isSettled = now === this.#seen;
    this.#seen = now;
    if (!isSettled || now === this.#told) return;
    this.#told = now;
    this.#onChange();
  }
}

const ABSENT = 'absent';

/** What is another text whenever a file may have another content. */
function sign(statsOf: () => Stats): string {
  try {
    const stats = statsOf();
    if (!stats.isFile()) return 'no file';
    return [stats.dev, stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs].join(':');
  } catch {
    return ABSENT;
  }
}
