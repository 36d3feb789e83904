/**
 * What a server offers, as it is offered here: its lists, and for each name whose and which it is.
 *
 * O1. What a server says of itself is not trusted to have a form: what cannot be shown is left out, and told.
 * O2. Of two things with one name the first keeps it; the loss of the other is told.
 */
import { createHash } from 'node:crypto';
import type {
  Catalog,
  JsonSchema,
  PromptDescriptor,
  ResourceDescriptor,
  ToolDescriptor,
} from '../../../call/catalog.ts';
import type { ServerEntry } from '../file/server-entry.ts';
import { type Fields, isObject, textOf } from '../protocol/message.ts';
import { mapToolMeta } from '../results.ts';
import { offeredName, UriMap } from './names.ts';

/** A server's lists, as it gave them. */
export interface ServerLists {
  readonly tools: readonly unknown[];
  readonly resources: readonly unknown[];
  readonly templates: readonly unknown[];
  readonly prompts: readonly unknown[];
  readonly capabilities: Fields;
}

export interface Offer {
  readonly catalog: Catalog;
  /** The server's own names, by those here. */
  readonly tools: ReadonlyMap<string, string>;
  readonly prompts: ReadonlyMap<string, string>;
  readonly uris: UriMap;
  /** What is left out, a sentence each. */
  readonly losses: readonly string[];
}

/** The hash by which a definition is known again: of all that a model is told of it. */
export function definitionHash(tool: unknown): string {
  const { name, title, description, inputSchema, annotations } = isObject(tool) ? tool : {};
  return createHash('sha256')
    .update(JSON.stringify([name, title, description, inputSchema, annotations]))
    .digest('hex');
}

/** @param isAccepted whether a tool's definition may be shown. */
export function offerOf(
  entry: ServerEntry,
  lists: ServerLists,
  isAccepted: (name: string, hash: string) => boolean,
): Offer {
  const { prefix, name: server } = entry;
  const uris = new UriMap(prefix);
  const losses: string[] = [];
  const tools = new Map<string, string>();
  const prompts = new Map<string, string>();
  const claim = (kind: string, names: Map<string, string>, own: string): string | null => {
    const name = offeredName(prefix, own);
    const other = names.get(name);
    if (other !== undefined) {
      losses.push(
        `its ${kind} ${JSON.stringify(own)} is left out: ${JSON.stringify(other)} has its name "${name}"`,
      );
      return null;
    }
    names.set(name, own);
    return name;
  };
  const shownTools: ToolDescriptor[] = [];
  for (const tool of lists.tools) {
    const own = isObject(tool) ? textOf(tool['name']) : undefined;
    if (!isObject(tool) || own === undefined || own === '') losses.push('a tool without a name is left out');
    else if (entry.allows(own)) {
      if (!isAccepted(own, definitionHash(tool))) {
        losses.push(
          `its tool ${JSON.stringify(own)} is refused: its definition is not the one that was accepted; look at it, and accept it with: mcp-streaming-gateway pin ${server}`,
        );
        continue;
      }
      const name = claim('tool', tools, own);
      if (name !== null) shownTools.push(toolOf(name, tool, entry, uris));
    }
  }
  const shownPrompts: PromptDescriptor[] = [];
  for (const prompt of lists.prompts) {
    const own = isObject(prompt) ? textOf(prompt['name']) : undefined;
    if (!isObject(prompt) || own === undefined) continue;
    const name = claim('prompt', prompts, own);
    if (name !== null) shownPrompts.push(promptOf(name, prompt, 'completions' in lists.capabilities));
  }
  const completes = 'completions' in lists.capabilities;
  const seen = new Set<string>();
  const shownResources: ResourceDescriptor[] = [];
  for (const resource of [...lists.resources, ...lists.templates]) {
    const shown = isObject(resource) ? resourceOf(server, resource, uris, completes) : null;
    if (!shown || seen.has(shown.name)) continue;
    seen.add(shown.name);
    shownResources.push(shown);
  }
  if ('resources' in lists.capabilities)
    shownResources.push({
      name: `${server}__*`,
      uriPrefix: uris.head,
      isolation: 'shared',
      lists: false,
      completes: [],
    });
  const byName = (one: { readonly name: string }, other: { readonly name: string }) =>
    one.name < other.name ? -1 : 1;
  return {
    catalog: {
      tools: shownTools.sort(byName),
      resources: shownResources.sort(byName),
      prompts: shownPrompts.sort(byName),
    },
    tools,
    prompts,
    uris,
    losses,
  };
}

function toolOf(name: string, tool: Fields, entry: ServerEntry, uris: UriMap): ToolDescriptor {
  const { title, description, inputSchema, outputSchema, annotations, icons, _meta } = tool;
  const input = isObject(inputSchema) ? inputSchema : {};
  return {
    name,
    description: textOf(description) ?? '',
    inputSchema: (input['type'] === 'object' ? input : { ...input, type: 'object' }) as JsonSchema,
    isolation: 'shared',
    ...(typeof title === 'string' ? { title } : {}),
    ...(isObject(outputSchema) ? { outputSchema: outputSchema as JsonSchema } : {}),
    ...(isObject(annotations) ? { annotations } : {}),
    ...(Array.isArray(icons) ? { icons } : {}),
    ...(isObject(_meta) ? { meta: mapToolMeta(_meta, uris) } : {}),
    ...(entry.timeoutMs === undefined ? {} : { timeoutMs: entry.timeoutMs }),
  };
}

function promptOf(name: string, prompt: Fields, completes: boolean): PromptDescriptor {
  const list = Array.isArray(prompt['arguments']) ? prompt['arguments'].filter(isObject) : [];
  return {
    ...prompt,
    name,
    arguments: list.map((one) => ({
      ...one,
      name: String(one['name']),
      ...(completes ? { completes } : {}),
    })),
    isolation: 'shared',
  };
}

const VARIABLE = /\{[+#./;?&]?([^{}]+)\}/g;

function resourceOf(
  server: string,
  resource: Fields,
  uris: UriMap,
  completes: boolean,
): ResourceDescriptor | null {
  const { uri, uriTemplate, name } = resource;
  const own = textOf(uri) ?? textOf(uriTemplate);
  if (own === undefined) return null;
  const variables = [...own.matchAll(VARIABLE)].flatMap(([, names = '']) =>
    names.split(',').map((one) => one.replace(/[*:].*$/, '')),
  );
  return {
    ...resource,
    // One name may stand for many resources of a server: the URI is what it is known by.
    name: `${server}__${own}`,
    label: textOf(name) ?? own,
    ...(typeof uri === 'string' ? { uri: uris.outward(uri) } : { uriTemplate: uris.outward(own) }),
    isolation: 'shared',
    lists: false,
    completes: completes && typeof uri !== 'string' ? variables : [],
  };
}
