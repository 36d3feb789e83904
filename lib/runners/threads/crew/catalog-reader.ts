/**
 * What the threads have loaded, as data, read from the first thread that loaded it. Until then it is awaited, and
 * a failure to load ends the wait with its reason.
 */

import type { Catalog } from '../../../call/catalog.ts';
import { ToolError } from '../../../call/tool-error.ts';

export class CatalogReader {
  /** The first catalog. @throws {ToolError} `unavailable` saying why there is none. */
  readonly first: Promise<Catalog>;
  #current: Catalog | null = null;
  #resolve: (catalog: Catalog) => void = () => {};
  #reject: (error: ToolError) => void = () => {};
  readonly #timer: NodeJS.Timeout;

  constructor(patienceMs: number) {
    this.first = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.first.catch(() => undefined);
    this.#timer = setTimeout(
      () =>
        this.fail(
          `the tool modules did not finish loading within ${patienceMs / 1000} s; does one wait or loop at its top level?`,
        ),
      patienceMs,
    );
  }

  get isKnown(): boolean {
    return this.#current !== null;
  }

  /** @throws {ToolError} `unavailable` before the first thread has loaded. */
  get current(): Catalog {
    if (!this.#current) throw new ToolError('unavailable', 'the tools are not loaded yet');
    return this.#current;
  }

  described(frame: { readonly catalog: Catalog | null; readonly failure: string | null }): void {
    if (frame.catalog === null) return this.fail(frame.failure ?? 'the tools cannot be described');
    if (this.#current) return;
    clearTimeout(this.#timer);
    this.#current = frame.catalog;
    this.#resolve(frame.catalog);
  }

  /** No thread can load the tools: ends the wait for the first catalog; later it changes nothing. */
  fail(reason: string): void {
    clearTimeout(this.#timer);
    this.#reject(new ToolError('unavailable', reason));
  }

  replace(catalog: Catalog): void {
    this.#current = catalog;
  }
}
