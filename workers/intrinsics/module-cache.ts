/**
 * What `require` has loaded for the tool modules: nobody may put something else in its place. What comes later, or is
 * loaded anew, is the tools' own.
 */
import module from 'node:module';

type Cache = Readonly<Record<string, { readonly exports: unknown } | undefined>>;

/** More than this makes no look slow. */
const MOST = 1000;

export class ModuleCacheNorm {
  readonly #cache = (module as unknown as { readonly _cache: Cache })._cache;
  readonly #files = Object.keys(this.#cache).slice(0, MOST);
  readonly #entries = this.#files.map((file) => this.#cache[file]);
  readonly #exports = this.#entries.map((entry) => entry?.exports);

  /** @returns what has changed, or null. */
  changed(): string | null {
    for (let at = 0; at < this.#files.length; at++) {
      const now = this.#cache[this.#files[at] as string];
      if (now === undefined) continue;
      if (now !== this.#entries[at] || now.exports !== this.#exports[at]) return 'what require() has loaded';
    }
    return null;
  }
}
