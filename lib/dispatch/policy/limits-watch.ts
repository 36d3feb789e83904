/**
 * Tells that TOOL_LIMITS has changed. By looking at it now and then: a watch of the system's is lost when an editor or a
 * container puts another file in its place.
 */
import { type Stats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

const LOOK_EVERY_MS = 1000;

/**
 * What is read from now on is what later looks are compared with: begin to watch, then read.
 * @returns what ends the watching.
 */
export function watchLimits(path: string, onChange: () => void): () => void {
  let seen = markOf(statSync(path, { throwIfNoEntry: false }));
  const timer = setInterval(async () => {
    const mark = markOf(await stat(path).catch(() => undefined));
    if (mark === seen) return;
    seen = mark;
    onChange();
  }, LOOK_EVERY_MS).unref();
  return () => clearInterval(timer);
}

/** Another for another file, or another state of it. */
const markOf = (stats: Stats | undefined): string =>
  stats ? `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeMs}` : 'none';
