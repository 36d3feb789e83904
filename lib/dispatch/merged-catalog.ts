/**
 * The catalogs of all runners as one, and whose each name is.
 *
 * M1. A name is one runner's, and so is the URI of a resource: two that offer the same cannot be merged.
 * M2. A gateway with one runner shows that runner's catalog itself; nothing is copied.
 */
import type { CallKind, Catalog, ResourceDescriptor, ToolDescriptor } from '../call/catalog.ts';
import { ToolError } from '../call/tool-error.ts';
import type { Runner } from '../runners/runner.ts';

/** What a runner has, or is going to have. */
export interface CatalogOf {
  readonly runner: Runner;
  readonly catalog: Catalog;
}

/** A tool, and who runs it. */
export interface ToolRoute {
  readonly tool: ToolDescriptor;
  readonly runner: Runner;
}

export class MergedCatalog {
  readonly catalog: Catalog;
  /** What is left out since its runner yields, a sentence each. */
  readonly losses: string[] = [];
  /** Maps, so that `__proto__` is no name. */
  readonly #tools = new Map<string, ToolRoute>();
  readonly #resources = new Map<string, Runner>();
  readonly #prompts = new Map<string, Runner>();

  /** @throws {ToolError} `unavailable` naming what is offered twice, and by whom. */
  constructor(catalogs: readonly CatalogOf[]) {
    const uris = new Map<string, Runner>();
    for (const { runner, catalog } of catalogs) {
      for (const tool of catalog.tools) {
        if (this.#yields('tool', tool.name, runner, this.#tools.get(tool.name)?.runner)) continue;
        claim('tool', tool.name, runner, this.#tools.get(tool.name)?.runner);
        this.#tools.set(tool.name, { tool, runner });
      }
      for (const resource of catalog.resources) {
        const taken = this.#resources.get(resource.name) ?? uris.get(uriOf(resource));
        if (this.#yields('resource', uriOf(resource), runner, taken)) continue;
        claim('resource', resource.name, runner, this.#resources.get(resource.name));
        this.#resources.set(resource.name, runner);
        const uri = uriOf(resource);
        // Within one runner that is the author's business, and so it was before there were two.
        if (uris.get(uri) !== runner) claim('resource', uri, runner, uris.get(uri));
        uris.set(uri, runner);
      }
      for (const prompt of catalog.prompts) {
        if (this.#yields('prompt', prompt.name, runner, this.#prompts.get(prompt.name))) continue;
        claim('prompt', prompt.name, runner, this.#prompts.get(prompt.name));
        this.#prompts.set(prompt.name, runner);
      }
    }
    const [first] = catalogs;
    const whole = catalogs.length === 1 && first ? first.catalog : merge(catalogs);
    this.catalog = this.losses.length === 0 ? whole : this.#without(catalogs);
  }

  /** Whether a runner lets go of a name that another has, which is told. */
  #yields(kind: string, name: string, runner: Runner, owner: Runner | undefined): boolean {
    if (!owner || owner === runner || runner.yieldsNames !== true) return false;
    this.losses.push(
      `the ${kind} ${JSON.stringify(name)} of the runner "${runner.name}" is left out: the runner "${owner.name}" has one`,
    );
    return true;
  }

  /** All catalogs, without what was let go of. */
  #without(catalogs: readonly CatalogOf[]): Catalog {
    return merge(
      catalogs.map(({ runner, catalog }) => ({
        runner,
        catalog: {
          tools: catalog.tools.filter(({ name }) => this.#tools.get(name)?.runner === runner),
          resources: catalog.resources.filter(({ name }) => this.#resources.get(name) === runner),
          prompts: catalog.prompts.filter(({ name }) => this.#prompts.get(name) === runner),
        },
      })),
    );
  }

  tool(name: string): ToolRoute | undefined {
    return this.#tools.get(name);
  }

  /** Who answers a call. A completion is answered by whoever has what it completes, which its arguments tell. */
  ownerOf(kind: CallKind, name: string, args: unknown): Runner | undefined {
    if (kind === 'tool') return this.#tools.get(name)?.runner;
    const completed = (args as { readonly ref?: unknown } | null | undefined)?.ref;
    const isPrompt = kind === 'prompt' || (kind === 'completion' && completed === 'prompt');
    return (isPrompt ? this.#prompts : this.#resources).get(name);
  }
}

const uriOf = ({ uri, uriTemplate, name }: ResourceDescriptor): string => uri ?? uriTemplate ?? name;

function claim(kind: string, name: string, runner: Runner, owner: Runner | undefined): void {
  if (!owner) return;
  throw new ToolError(
    'unavailable',
    `the ${kind} ${JSON.stringify(name)} is offered by the runner "${owner.name}" and by the runner ` +
      `"${runner.name}"; rename one`,
  );
}

function merge(catalogs: readonly CatalogOf[]): Catalog {
  const byName = (a: { readonly name: string }, b: { readonly name: string }) => (a.name < b.name ? -1 : 1);
  return {
    tools: catalogs.flatMap(({ catalog }) => catalog.tools).sort(byName),
    resources: catalogs.flatMap(({ catalog }) => catalog.resources).sort(byName),
    prompts: catalogs.flatMap(({ catalog }) => catalog.prompts).sort(byName),
  };
}
