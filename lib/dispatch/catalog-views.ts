/**
 * The catalog as a key sees it: what its patterns leave of the whole.
 *
 * V1. What a key may not use is not there: not in a list, not by its name, not in the text of an error.
 * V2. Made once per catalog and list of patterns; a key that may use everything sees the catalog itself.
 */
import type { Catalog } from '../call/catalog.ts';
import { matchesName } from '../call/name-pattern.ts';

interface View {
  readonly whole: Catalog;
  readonly shown: Catalog;
  /** Of all that is shown. */
  readonly names: ReadonlySet<string>;
}

export class CatalogViews {
  readonly #views = new WeakMap<readonly string[], View>();

  /** @param patterns undefined: everything is shown. */
  catalog(whole: Catalog, patterns: readonly string[] | undefined): Catalog {
    return patterns === undefined ? whole : this.#view(whole, patterns).shown;
  }

  /** Whether a tool, resource or prompt of that name may be used. */
  shows(whole: Catalog, patterns: readonly string[] | undefined, name: string): boolean {
    return patterns === undefined || this.#view(whole, patterns).names.has(name);
  }

  #view(whole: Catalog, patterns: readonly string[]): View {
    let view = this.#views.get(patterns);
    if (view?.whole !== whole) {
      view = viewOf(whole, patterns);
      this.#views.set(patterns, view);
    }
    return view;
  }
}

function viewOf(whole: Catalog, patterns: readonly string[]): View {
  const isShown = ({ name }: { readonly name: string }): boolean =>
    patterns.some((pattern) => matchesName(pattern, name));
  const shown: Catalog = {
    tools: whole.tools.filter(isShown),
    resources: whole.resources.filter(isShown),
    prompts: whole.prompts.filter(isShown),
  };
  const all = [...shown.tools, ...shown.resources, ...shown.prompts];
  return { whole, shown, names: new Set(all.map(({ name }) => name)) };
}
