/**
 * Reads TOOL_LIMITS again when it changes. By looking at it now and then: a watch of the system's is lost when an editor or
 * a container puts another file in its place.
 */
import { type StatsListener, unwatchFile, watchFile } from 'node:fs';

const LOOK_EVERY_MS = 1000;

/** @returns what ends the watching. */
export function watchLimits(path: string, onChange: () => void): () => void {
  const listener: StatsListener = (now, before) => {
    if (now.mtimeMs !== before.mtimeMs || now.size !== before.size || now.ino !== before.ino) onChange();
  };
  watchFile(path, { persistent: false, interval: LOOK_EVERY_MS }, listener);
  return () => unwatchFile(path, listener);
}
