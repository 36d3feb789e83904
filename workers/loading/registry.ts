/**
 * What a thread has loaded: definitions by kind and name, ready to run, and their description as data.
 *
 * R1. Names are unique per kind; a second definition of one name stops the load and names both modules.
 * R2. Lookups go through Maps, so that `__proto__` and `constructor` are no tools.
 * R3. A check is compiled at its first use, once.
 */
import { OwnMap } from '../../lib/async/own-collections.ts';
import type {
  CallKind,
  Catalog,
  Isolation,
  PromptDescriptor,
  ResourceDescriptor,
  ToolDescriptor,
} from '../../lib/call/catalog.ts';
import { LIMIT_NAMES } from '../../lib/call/tool-limits.ts';
import { type BrandedKind, isBranded } from '../../lib/tool/brand.ts';
import type { PromptDefinition } from '../../lib/tool/define-prompt.ts';
import type { ResourceDefinition } from '../../lib/tool/define-resource.ts';
import type { SchemaSource, ToolDefinition } from '../../lib/tool/define-tool.ts';
import { type Check, compileCheck, toInputSchema, toJsonSchema } from './schema.ts';

/** A tool with its checks, null where the tool states no schema. */
export interface LoadedTool {
  readonly definition: ToolDefinition;
  readonly input: Check | null;
  readonly chunk: Check | null;
  readonly output: Check | null;
}

interface Entry<D> {
  readonly definition: D;
  readonly origin: string;
}

export class Registry {
  readonly #tools = new OwnMap<string, Entry<ToolDefinition>>();
  readonly #resources = new OwnMap<string, Entry<ResourceDefinition>>();
  readonly #prompts = new OwnMap<string, Entry<PromptDefinition>>();
  readonly #loaded = new OwnMap<string, LoadedTool>();

  /**
   * Adds what a module exports: definitions, or arrays of them, under any export name.
   * @returns how many definitions were found. @throws {Error} for a name that is taken.
   */
  addModule(exports: Readonly<Record<string, unknown>>, origin: string): number {
    const found = new Set<unknown>();
    for (const value of Object.values(exports))
      for (const one of Array.isArray(value) ? value : [value]) found.add(one);
    let added = 0;
    for (const value of found) if (this.#add(value, origin)) added++;
    return added;
  }

  #add(value: unknown, origin: string): boolean {
    if (isBranded('tool', value)) return put(this.#tools, 'tool', value as ToolDefinition, origin);
    if (isBranded('resource', value))
      return put(this.#resources, 'resource', value as ResourceDefinition, origin);
    if (isBranded('prompt', value)) return put(this.#prompts, 'prompt', value as PromptDefinition, origin);
    return false;
  }

  /** The tool, its checks compiled; synchronous from its second call on. */
  tool(name: string): LoadedTool | Promise<LoadedTool> | undefined {
    const loaded = this.#loaded.get(name);
    if (loaded) return loaded;
    const entry = this.#tools.get(name);
    return entry && this.#load(entry.definition);
  }

  async #load(definition: ToolDefinition): Promise<LoadedTool> {
    const compile = async (source: SchemaSource | undefined) => (source ? await compileCheck(source) : null);
    const loaded = {
      definition,
      input: await compile(definition.input),
      chunk: await compile(definition.chunk),
      output: await compile(definition.output),
    };
    this.#loaded.set(definition.name, loaded);
    return loaded;
  }

  resource(name: string): ResourceDefinition | undefined {
    return this.#resources.get(name)?.definition;
  }

  prompt(name: string): PromptDefinition | undefined {
    return this.#prompts.get(name)?.definition;
  }

  /** Everything as data, sorted by name. @throws {Error} naming the definition whose schema cannot be described. */
  async describe(): Promise<Catalog> {
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    const tools = await Promise.all(
      [...this.#tools.values()].map(({ definition, origin }) => describeTool(definition, origin)),
    );
    return {
      tools: tools.sort(byName),
      resources: [...this.#resources.values()]
        .map(({ definition }) => describeResource(definition))
        .sort(byName),
      prompts: [...this.#prompts.values()].map(({ definition }) => describePrompt(definition)).sort(byName),
    };
  }
}

function put<D extends { readonly name: string }>(
  entries: Map<string, Entry<D>>,
  kind: BrandedKind,
  definition: D,
  origin: string,
): boolean {
  const taken = entries.get(definition.name);
  if (taken?.definition === definition) return false;
  if (taken) {
    throw new Error(
      `the ${kind} name "${definition.name}" is defined twice, in ${taken.origin} and in ${origin}; rename one`,
    );
  }
  entries.set(definition.name, { definition, origin });
  return true;
}

/** Which isolation each kind of call has when its definition names none. */
const DEFAULT_ISOLATION: Readonly<Record<CallKind, Isolation>> = {
  tool: 'exclusive',
  resource: 'shared',
  prompt: 'shared',
  completion: 'shared',
};

/** The keys of `from` named in `keys` that are not undefined. */
function pick<T extends object, K extends keyof T>(from: T, ...keys: readonly K[]): Partial<Pick<T, K>> {
  const picked: Partial<Pick<T, K>> = {};
  for (const key of keys) if (from[key] !== undefined) picked[key] = from[key];
  return picked;
}

async function describeTool(tool: ToolDefinition, origin: string): Promise<ToolDescriptor> {
  try {
    return {
      name: tool.name,
      description: tool.description,
      inputSchema: await toInputSchema(tool.input),
      ...(tool.output ? { outputSchema: await toJsonSchema(tool.output, 'output') } : {}),
      ...(tool.chunk ? { chunkSchema: await toJsonSchema(tool.chunk, 'output') } : {}),
      ...pick(tool, 'title', 'annotations', 'icons', 'meta', ...LIMIT_NAMES),
      isolation: tool.isolation ?? DEFAULT_ISOLATION.tool,
    };
  } catch (error) {
    throw new Error(`tool "${tool.name}" in ${origin} cannot be described: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function describeResource(resource: ResourceDefinition): ResourceDescriptor {
  return {
    name: resource.name,
    ...pick(resource, 'uri', 'uriTemplate', 'title', 'description', 'mimeType', 'icons'),
    isolation: resource.isolation ?? DEFAULT_ISOLATION.resource,
    lists: resource.list !== undefined,
    completes: Object.keys(resource.complete ?? {}),
  };
}

function describePrompt(prompt: PromptDefinition): PromptDescriptor {
  return {
    name: prompt.name,
    ...pick(prompt, 'title', 'description', 'icons'),
    arguments: Object.entries(prompt.arguments ?? {}).map(([name, argument]) => ({
      name,
      ...pick(argument, 'description', 'required'),
      completes: argument.complete !== undefined,
    })),
    isolation: prompt.isolation ?? DEFAULT_ISOLATION.prompt,
  };
}
