/**
 * Marks that tools leave in a file, and waiting for what only shows by looking.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The compiled tool module of the stories, for `--tools`. */
export const STORY_TOOLS = fileURLToPath(new URL('./story-tools.js', import.meta.url));

export interface Marks {
  readonly file: string;
  /** How often the tools have left `word`. */
  count(word: string): number;
  /** Waits until they have. */
  seen(word: string): Promise<void>;
}

const folder = mkdtempSync(join(tmpdir(), 'marks-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
let files = 0;

export function newMarks(): Marks {
  const file = join(folder, String(++files));
  const count = (word: string) =>
    existsSync(file)
      ? readFileSync(file, 'utf8')
          .split('\n')
          .filter((line) => line === word).length
      : 0;
  return { file, count, seen: (word) => until(() => count(word) > 0, `mark "${word}"`) };
}

/** Looks every 10 ms. @throws {Error} naming `what` after ten seconds. */
export async function until(
  look: () => boolean | Promise<boolean>,
  what: string,
  patienceMs = 10_000,
): Promise<void> {
  const giveUpAt = performance.now() + patienceMs;
  while (!(await look())) {
    if (performance.now() > giveUpAt) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
