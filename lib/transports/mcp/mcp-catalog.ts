/**
 * The catalog as MCP shows it, the same in both eras: lists with pages, and which call each request runs.
 *
 * O1. Lists are made from the catalog, in its order, schemas untouched; their texts are made once per catalog.
 * O2. Names and URIs are looked up in Maps; what is not there is a fault before any call is made.
 */
import type { CallKind, Catalog, PromptDescriptor, ResourceDescriptor } from '../../call/catalog.ts';
import { INVALID_PARAMS, McpFault, NotThereFault, RESOURCE_NOT_FOUND } from './fault.ts';
import { isObject, jsonText, type Params } from './message.ts';
import { taskSupportOf } from './task-support.ts';
import { MAX_URI_LENGTH, type TemplateMatcher, templateMatcher } from './template-matcher.ts';
import { CALL_TOOL, calledTool, foundTools, SEARCH_ENTRIES, SEARCH_TOOLS } from './tool-search.ts';
import { toolText } from './tool-text.ts';

/** The call that answers a request. */
export interface CallPlan {
  readonly kind: CallKind;
  readonly name: string;
  readonly arguments: unknown;
  /** The URI that a resource call reads. */
  readonly uri?: string;
}

/** What does not change until the catalog does. */
interface Index {
  readonly catalog: Catalog;
  readonly tools: readonly string[];
  /** The same, for clients that may run them as tasks. */
  readonly taskTools: readonly string[];
  readonly resources: readonly string[];
  readonly templates: readonly string[];
  readonly prompts: readonly string[];
  readonly byUri: ReadonlyMap<string, ResourceDescriptor>;
  readonly matchers: readonly (readonly [ResourceDescriptor, TemplateMatcher])[];
  readonly prefixes: readonly ResourceDescriptor[];
  readonly byTemplate: ReadonlyMap<string, ResourceDescriptor>;
  readonly promptByName: ReadonlyMap<string, PromptDescriptor>;
}

export class McpCatalog {
  readonly #catalog: () => Catalog;
  readonly #pageSize: number;
  readonly #maxPageBytes: number;
  readonly #toolSearch: boolean;
  #index: Index | undefined;

  /**
   * @param pageSize entries of a list page: large, since many clients read the first page only.
   * @param toolSearch whether two tools stand for all (tool-search.ts).
   * @param maxPageBytes what the entries of a page may take, where it has more than one.
   */
  constructor(
    catalog: () => Catalog,
    {
      pageSize = 1000,
      maxPageBytes = Number.POSITIVE_INFINITY,
      toolSearch = false,
    }: { pageSize?: number; maxPageBytes?: number; toolSearch?: boolean } = {},
  ) {
    this.#toolSearch = toolSearch;
    this.#catalog = catalog;
    this.#pageSize = pageSize;
    this.#maxPageBytes = maxPageBytes;
  }

  get #now(): Index {
    const catalog = this.#catalog();
    if (this.#index?.catalog !== catalog) this.#index = indexOf(catalog);
    return this.#index as Index;
  }

  /** @param asTasks whether the client may run tools as tasks. */
  tools(params: Params, asTasks: boolean): string {
    if (this.#toolSearch) return this.#page('tools', SEARCH_ENTRIES, params);
    return this.#page('tools', asTasks ? this.#now.taskTools : this.#now.tools, params);
  }

  templates(params: Params): string {
    return this.#page('resourceTemplates', this.#now.templates, params);
  }

  prompts(params: Params): string {
    return this.#page('prompts', this.#now.prompts, params);
  }

  /** @param members entries that templates listed, as JSON text. */
  resources(params: Params, members: readonly string[]): string {
    return this.#page('resources', [...this.#now.resources, ...members], params);
  }

  /** Whether there are resources beside the members of templates. */
  get hasFixedResources(): boolean {
    return this.#now.resources.length > 0;
  }

  /** The calls that list the members of templates. */
  resourceListings(): readonly CallPlan[] {
    return this.#now.matchers
      .filter(([resource]) => resource.lists)
      .map(([{ name }]) => ({ kind: 'resource', name, arguments: { list: true } }));
  }

  /** One page of a list, as the members of its result. */
  #page(key: string, entries: readonly string[], params: Params): string {
    const { cursor } = params;
    let start = 0;
    if (cursor !== undefined && cursor !== null) {
      start = typeof cursor === 'string' ? Number(Buffer.from(cursor, 'base64url').toString()) : Number.NaN;
      if (!Number.isSafeInteger(start) || start <= 0 || start >= entries.length) {
        throw new McpFault(INVALID_PARAMS, 'cursor is not one that this list gave; list again without it');
      }
    }
    const end = this.#pageEnd(entries, start);
    const next =
      end < entries.length ? `,"nextCursor":"${Buffer.from(String(end)).toString('base64url')}"` : '';
    return `"${key}":[${entries.slice(start, end).join(',')}]${next}`;
  }

  #pageEnd(entries: readonly string[], start: number): number {
    const most = start + this.#pageSize;
    if (this.#maxPageBytes === Number.POSITIVE_INFINITY) return most;
    let bytes = 0;
    for (let at = start; at < Math.min(most, entries.length); at++) {
      bytes += Buffer.byteLength(entries[at] ?? '') + 1;
      if (bytes > this.#maxPageBytes && at > start) return at;
    }
    return most;
  }

  /** Whether a request is for the tool that finds others. */
  isSearch({ name }: Params): boolean {
    return this.#toolSearch && name === SEARCH_TOOLS;
  }

  /** The members of its result. */
  search(params: Params): string {
    return foundTools(this.#now.catalog.tools, params);
  }

  toolCall(asked: Params): CallPlan {
    const params = this.#toolSearch && asked['name'] === CALL_TOOL ? calledTool(asked) : asked;
    const { name, arguments: given } = params;
    if (typeof name !== 'string') throw new McpFault(INVALID_PARAMS, 'tools/call needs "name", a string');
    const args = given ?? {};
    if (!isObject(args)) throw new McpFault(INVALID_PARAMS, 'tools/call: "arguments" must be an object');
    return { kind: 'tool', name, arguments: args };
  }

  resourceRead(params: Params, isStateless: boolean): CallPlan {
    const uri = uriOf(params, 'resources/read');
    const found = this.resourceOf(uri);
    if (!found) throw resourceNotFound(uri, isStateless);
    const { name, variables } = found;
    return { kind: 'resource', name, arguments: { uri, variables }, uri };
  }

  /** Which resource has a URI, and the variables of its template. */
  resourceOf(
    uri: string,
  ): { readonly name: string; readonly variables: Readonly<Record<string, string>> } | undefined {
    const fixed = this.#now.byUri.get(uri);
    if (fixed) return { name: fixed.name, variables: {} };
    if (uri.length > MAX_URI_LENGTH) return undefined;
    for (const [{ name }, match] of this.#now.matchers) {
      const variables = match(uri);
      if (variables) return { name, variables };
    }
    for (const { name, uriPrefix } of this.#now.prefixes)
      if (uri.startsWith(uriPrefix ?? '')) return { name, variables: {} };
    return undefined;
  }

  promptGet(params: Params): CallPlan {
    const { name, arguments: named } = params;
    const given = named ?? {};
    const prompt = typeof name === 'string' ? this.#now.promptByName.get(name) : undefined;
    if (!prompt)
      throw new NotThereFault(INVALID_PARAMS, `there is no prompt ${jsonText(name)}; see prompts/list`);
    if (!isObject(given) || Object.values(given).some((value) => typeof value !== 'string')) {
      throw new McpFault(INVALID_PARAMS, 'prompts/get: "arguments" must be an object of strings');
    }
    for (const argument of prompt.arguments) {
      if (argument.required && given[argument.name] === undefined) {
        throw new McpFault(INVALID_PARAMS, `prompt "${prompt.name}" needs the argument "${argument.name}"`);
      }
    }
    return { kind: 'prompt', name: prompt.name, arguments: given };
  }

  /** The call of a completion, or null where the argument is known and completes nothing. */
  completion(params: Params): CallPlan | null {
    const { ref, argument, context } = params;
    if (!isObject(ref) || !isObject(argument)) {
      throw new McpFault(INVALID_PARAMS, 'completion/complete needs "ref" and "argument", objects');
    }
    const { name, value } = argument;
    if (typeof name !== 'string' || typeof value !== 'string') {
      throw new McpFault(
        INVALID_PARAMS,
        'completion/complete: "argument" has a "name" and a "value", strings',
      );
    }
    const known = isObject(context) && isObject(context['arguments']) ? context['arguments'] : {};
    const plan = (kind: 'prompt' | 'resource', owner: string): CallPlan => ({
      kind: 'completion',
      name: owner,
      arguments: { ref: kind, argument: name, value, context: known },
    });
    if (ref['type'] === 'ref/prompt') {
      const prompt = this.#now.promptByName.get(String(ref['name']));
      if (!prompt) throw new NotThereFault(INVALID_PARAMS, `there is no prompt ${jsonText(ref['name'])}`);
      const completes = prompt.arguments.some((one) => one.name === name && one.completes);
      return completes ? plan('prompt', prompt.name) : null;
    }
    if (ref['type'] === 'ref/resource') {
      const uri = String(ref['uri']);
      const resource = this.#now.byTemplate.get(uri);
      if (!resource)
        throw new NotThereFault(INVALID_PARAMS, `there is no resource template ${jsonText(uri)}`);
      return resource.completes.includes(name) ? plan('resource', resource.name) : null;
    }
    throw new McpFault(INVALID_PARAMS, 'completion/complete: "ref.type" is ref/prompt or ref/resource');
  }
}

export function uriOf(params: Params, method: string): string {
  const { uri } = params;
  if (typeof uri !== 'string') throw new McpFault(INVALID_PARAMS, `${method} needs "uri", a string`);
  return uri;
}

export function resourceNotFound(uri: string, isStateless: boolean): McpFault {
  const code = isStateless ? INVALID_PARAMS : RESOURCE_NOT_FOUND;
  return new NotThereFault(code, 'resource not found', { data: { uri: uri.slice(0, MAX_URI_LENGTH) } });
}

function indexOf(catalog: Catalog): Index {
  const fixed = catalog.resources.filter(({ uri }) => uri !== undefined);
  const templates = catalog.resources.filter(({ uriTemplate }) => uriTemplate !== undefined);
  const tools = catalog.tools.map(toolText);
  return {
    catalog,
    tools,
    taskTools: catalog.tools.map((tool, at) => {
      const support = taskSupportOf(tool) ?? 'optional';
      return `${tools[at]?.slice(0, -1)},"execution":{"taskSupport":"${support}"}}`;
    }),
    resources: fixed.map(resourceText),
    templates: templates.map(resourceText),
    prompts: catalog.prompts.map(promptText),
    byUri: new Map(fixed.map((resource) => [resource.uri ?? '', resource])),
    matchers: templates.map((resource) => [resource, templateMatcher(resource.uriTemplate ?? '')]),
    // The longest first: one that has none takes what is left.
    prefixes: catalog.resources
      .filter(({ uriPrefix }) => uriPrefix !== undefined)
      .sort((one, other) => (other.uriPrefix?.length ?? 0) - (one.uriPrefix?.length ?? 0)),
    byTemplate: new Map(templates.map((resource) => [resource.uriTemplate ?? '', resource])),
    promptByName: new Map(catalog.prompts.map((prompt) => [prompt.name, prompt])),
  };
}

function resourceText(resource: ResourceDescriptor): string {
  const { isolation: _isolation, lists: _lists, completes: _completes, label, ...shown } = resource;
  return JSON.stringify(label === undefined ? shown : { ...shown, name: label });
}

function promptText(prompt: PromptDescriptor): string {
  const { isolation: _isolation, arguments: list, ...shown } = prompt;
  const args = list.map(({ completes: _completes, ...argument }) => argument);
  return JSON.stringify({ ...shown, arguments: args });
}
