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
  /** What followed `word` where it was first left. */
  after(word: string): string | undefined;
  /** Waits until they have. */
  seen(word: string): Promise<void>;
}

const folder = mkdtempSync(join(tmpdir(), 'marks-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
let files = 0;

export function newMarks(): Marks {
  const file = join(folder, String(++files));
  const lines = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []);
  const count = (word: string) => lines().filter((line) => line === word).length;
  const after = (word: string) =>
    lines()
      .find((line) => line.startsWith(`${word} `))
      ?.slice(word.length + 1);
  return { file, count, after, seen: (word) => until(() => count(word) > 0, `mark "${word}"`) };
}

/** Looks every 10 ms. @throws {Error} naming `what` after thirty seconds. */
export async function until(
  look: () => boolean | Promise<boolean>,
  what: string,
  patienceMs = 30_000,
): Promise<void> {
  const giveUpAt = performance.now() + patienceMs;
  while (!(await look())) {
    if (performance.now() > giveUpAt) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Whether a process is there and has not ended. */
export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
