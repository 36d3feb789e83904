/**
 * What a thread has loaded: definitions by kind and name, ready to run, and their description as data.
 *
 * R1. Names are unique per kind; a second definition of one name stops the load and names both modules.
 * R2. Lookups go through Maps, so that `__proto__` and `constructor` are no tools.
 * R3. A check is compiled once: on the thread that describes its tools then, elsewhere at its first use.
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
import { lookAtEntry } from '../mcp-content.ts';
import { definitionsIn } from './module-exports.ts';
import { asInput, type Check, compileCheck, readSchema, type Schema } from './schema.ts';
import type { Direction } from './zod-json-form.ts';

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
  /** What an operator should hear of the modules, though they have loaded. */
  readonly notices: string[] = [];

  /**
   * Adds what a module exports (module-exports.ts).
   * @returns how many definitions it has. @throws {Error} for a name that is taken.
   */
  addModule(exports: Readonly<Record<string, unknown>>, origin: string): number {
    const found = definitionsIn(exports);
    for (const value of found) this.#add(value, origin);
    return found.size;
  }

  #add(value: unknown, origin: string): void {
    if (isBranded('tool', value)) put(this.#tools, 'tool', value as ToolDefinition, origin);
    else if (isBranded('resource', value))
      put(this.#resources, 'resource', value as ResourceDefinition, origin);
    else put(this.#prompts, 'prompt', value as PromptDefinition, origin);
  }

  /** The tool, its checks compiled; synchronous from its second call on. */
  tool(name: string): LoadedTool | Promise<LoadedTool> | undefined {
    const loaded = this.#loaded.get(name);
    if (loaded) return loaded;
    const entry = this.#tools.get(name);
    return entry && this.#load(entry.definition);
  }

  async #load(definition: ToolDefinition): Promise<LoadedTool> {
    const compile = async (source: SchemaSource | undefined, direction: Direction) =>
      source ? await compileCheck(source, direction) : null;
    const loaded = {
      definition,
      input: await compile(definition.input, 'input'),
      chunk: await compile(definition.chunk, 'output'),
      output: await compile(definition.output, 'output'),
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

  /** Checks are compiled here too: what cannot be checked is no tool. */
  async #describeTool(tool: ToolDefinition, origin: string): Promise<ToolDescriptor> {
    const { input, chunk, output } = await readSchemas(tool, origin);
    this.#loaded.set(tool.name, {
      definition: tool,
      input: input?.check ?? null,
      chunk: chunk?.check ?? null,
      output: output?.check ?? null,
    });
    return {
      name: tool.name,
      description: tool.description,
      inputSchema: input?.advertised ?? { type: 'object' },
      ...(output ? { outputSchema: output.advertised } : {}),
      ...(chunk ? { chunkSchema: chunk.advertised } : {}),
      ...told('tool', tool.name, origin, pick(tool, 'title', 'annotations', 'icons', 'meta')),
      ...pick(tool, ...LIMIT_NAMES),
      isolation: tool.isolation ?? DEFAULT_ISOLATION.tool,
    };
  }

  /** Everything as data, sorted by name. @throws {Error} naming the tool whose schema cannot be used, and why. */
  async describe(): Promise<Catalog> {
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    const tools = await Promise.all(
      [...this.#tools.values()].map(({ definition, origin }) => this.#describeTool(definition, origin)),
    );
    return {
      tools: tools.sort(byName),
      resources: [...this.#resources.values()]
        .map(({ definition, origin }) => describeResource(definition, origin))
        .sort(byName),
      prompts: [...this.#prompts.values()]
        .map(({ definition, origin }) => describePrompt(definition, origin))
        .sort(byName),
    };
  }
}

function put<D extends { readonly name: string }>(
  entries: Map<string, Entry<D>>,
  kind: BrandedKind,
  definition: D,
  origin: string,
): void {
  const taken = entries.get(definition.name);
  if (taken?.definition === definition) return;
  if (taken) {
    throw new Error(
      `the ${kind} name "${definition.name}" is defined twice, in ${taken.origin} and in ${origin}; rename one`,
    );
  }
  entries.set(definition.name, { definition, origin });
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

/** What lists tell of a definition, as JSON. @throws {Error} naming the definition, the member and the reason. */
function told<T extends object>(kind: BrandedKind, name: string, origin: string, members: T): T {
  const refused = (why: string, cause?: unknown) =>
    new Error(`${kind} "${name}" in ${origin} cannot be loaded: ${why}`, { cause });
  let json: T;
  try {
    json = JSON.parse(JSON.stringify(members)) as T;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw refused(`its ${Object.keys(members).join(', ')} are no JSON: ${reason}`, error);
  }
  const misfit = lookAtEntry(json);
  if (misfit) throw refused(`${misfit.at}: ${misfit.why}`);
  return json;
}

/** What a tool's schemas say, by what they are of. */
async function readSchemas(tool: ToolDefinition, origin: string) {
  const read = async (part: 'input' | 'chunk' | 'output', direction: Direction): Promise<Schema | null> => {
    const source = tool[part];
    if (source === undefined) return null;
    try {
      const schema = await readSchema(source, direction);
      return part === 'input' ? { ...schema, advertised: asInput(schema.advertised) } : schema;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`tool "${tool.name}" in ${origin} cannot be loaded: its ${part} schema ${reason}`, {
        cause: error,
      });
    }
  };
  return {
    input: await read('input', 'input'),
    chunk: await read('chunk', 'output'),
    output: await read('output', 'output'),
  };
}

function describeResource(resource: ResourceDefinition, origin: string): ResourceDescriptor {
  const { name } = resource;
  return {
    name,
    ...pick(resource, 'uri', 'uriTemplate'),
    ...told('resource', name, origin, pick(resource, 'title', 'description', 'mimeType', 'icons')),
    isolation: resource.isolation ?? DEFAULT_ISOLATION.resource,
    lists: resource.list !== undefined,
    completes: Object.keys(resource.complete ?? {}),
  };
}

function describePrompt(prompt: PromptDefinition, origin: string): PromptDescriptor {
  const { name } = prompt;
  return {
    name,
    ...told('prompt', name, origin, {
      ...pick(prompt, 'title', 'description', 'icons'),
      arguments: Object.entries(prompt.arguments ?? {}).map(([argumentName, argument]) => ({
        name: argumentName,
        ...pick(argument, 'description', 'required'),
        completes: argument.complete !== undefined,
      })),
    }),
    isolation: prompt.isolation ?? DEFAULT_ISOLATION.prompt,
  };
}
