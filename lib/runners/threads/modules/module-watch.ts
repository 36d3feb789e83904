/**
 * Watches tool modules, and what lies beside them, for `--reload`.
 */
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isFolderUrl } from './module-paths.ts';

/** Editors write a file in several steps; one reload serves them all. */
const SETTLE_MS = 150;

export interface ModuleWatch {
  close(): void;
}

/** Calls `onChange` once after each burst of changes in the folders at `urls`, or around the modules there. */
export function watchModules(urls: readonly string[], onChange: () => void): ModuleWatch {
  const folders = new Set(
    urls.map((url) => (isFolderUrl(url) ? fileURLToPath(url).slice(0, -1) : dirname(fileURLToPath(url)))),
  );
  let timer: NodeJS.Timeout | undefined;
  const watchers: FSWatcher[] = [...folders].map((folder) =>
    watch(folder, (_kind, file) => {
      if (file !== null && !/\.(?:[cm]?[jt]s|json)$/.test(file)) return;
      clearTimeout(timer);
      timer = setTimeout(onChange, SETTLE_MS);
    }),
  );
  return {
    close() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}
