/** The hand-over of a gateway: one runner leaves there what it has loaded and is not to run, another takes it. */
import type { Catalog } from '../call/catalog.ts';
import type { HandOver, Proposal } from './runner.ts';

export class LeftOver implements HandOver {
  #accepted: Catalog = { tools: [], resources: [], prompts: [] };
  #taker: ((catalog: Catalog) => Proposal) | null = null;

  propose(catalog: Catalog): Proposal {
    const proposal = this.#taker?.(catalog);
    return {
      accept: () => {
        this.#accepted = catalog;
        proposal?.accept();
      },
      withdraw: () => proposal?.withdraw(),
    };
  }

  take(taker: (catalog: Catalog) => Proposal): void {
    this.#taker = taker;
    taker(this.#accepted).accept();
  }
}
