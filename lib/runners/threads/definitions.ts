/** How each definition of a catalog runs, found by kind and name. */
import type { CallKind, Catalog, ToolDescriptor } from '../../call/catalog.ts';
import { RunSpeed } from './run-speed.ts';

type Described = Pick<ToolDescriptor, 'isolation' | 'annotations'>;

export interface Definition extends Described {
  /** How fast it runs; undefined where that is not kept. */
  readonly speed?: RunSpeed | undefined;
}

/** A name that no catalog has is found missing on a thread; completions have none of their own. */
const UNDEFINED: Definition = { isolation: 'shared' };

export class Definitions {
  readonly #byKind: Readonly<Record<CallKind, ReadonlyMap<string, Definition>>>;
  /** Whether any definition runs beside others on its thread. */
  readonly hasShared: boolean;

  constructor({ tools, resources, prompts }: Catalog) {
    this.#byKind = {
      tool: byName(tools),
      resource: byName(resources),
      prompt: byName(prompts),
      completion: new Map(),
    };
    this.hasShared = [tools, resources, prompts].flat().some(({ isolation }) => isolation === 'shared');
  }

  of(kind: CallKind, name: string): Definition {
    return this.#byKind[kind].get(name) ?? UNDEFINED;
  }
}

const byName = (all: readonly (Described & { readonly name: string })[]): ReadonlyMap<string, Definition> =>
  new Map(
    all.map(({ name, isolation, annotations }) => [
      name,
      { isolation, speed: new RunSpeed(), ...(annotations && { annotations }) },
    ]),
  );
