/** The paths that need no key, or check it themselves; one that ends in `/*` stands for everything below it. */

const BELOW = '/*';

export class OpenPaths {
  readonly #exact: ReadonlySet<string>;
  readonly #folders: readonly string[];

  constructor(paths: readonly string[]) {
    this.#exact = new Set(paths);
    this.#folders = paths.filter(isFolder).map((path) => path.slice(0, -1));
  }

  has(path: string): boolean {
    return this.#exact.has(path) || this.#folders.some((folder) => path.startsWith(folder));
  }
}

/** Whether a path stands for everything below it. */
export const isFolder = (path: string): boolean => path.endsWith(BELOW);

/** A folder's path as Express has it. */
export const expressPath = (folder: string): string => `${folder}rest`;
