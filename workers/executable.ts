/**
 * What a call runs, whatever its kind: checks for what goes in and comes out, and a function to invoke.
 * Tools bring their own; resources, prompts and completions are put in the same form here.
 */

import { OwnMap } from '../lib/async/own-collections.ts';
import { ToolError } from '../lib/call/tool-error.ts';
import type { CallTask } from '../lib/runners/threads/port/frames.ts';
import type { PromptDefinition, PromptMessage } from '../lib/tool/define-prompt.ts';
import type { Completer, ResourceContents, ResourceDefinition } from '../lib/tool/define-resource.ts';
import type { ToolContext } from '../lib/tool/define-tool.ts';
import { hasOwn, stringify } from './intrinsics/captured.ts';
import type { LoadedTool, Registry } from './loading/registry.ts';
import type { Check } from './loading/schema.ts';
import { lookAtCompletion, lookAtPrompt, lookAtResource, type Misfit } from './mcp-content.ts';
import { type Presented, presented, presentedAs } from './result-text.ts';

export interface Executable {
  readonly input: Check | null;
  readonly chunk: Check | null;
  readonly output: Check | null;
  invoke(input: never, context: ToolContext): unknown;
  /** What a returned value is to clients, from its JSON text. @throws {ToolError} `tool_failed` for what MCP cannot carry. */
  readonly present: (value: unknown, text: string) => Presented;
}

/** @throws {ToolError} `tool_not_found` or `not_found` when this thread has no such definition. */
export function findExecutable(registry: Registry, task: CallTask): Executable | Promise<Executable> {
  switch (task.kind) {
    case 'tool': {
      const tool = registry.tool(task.name);
      if (!tool) throw new ToolError('tool_not_found', `there is no tool ${stringify(task.name)}`);
      return isLoaded(tool) ? toExecutable(tool) : whenLoaded(tool);
    }
    case 'resource':
      return unchecked(readOrList(registry, task.name), lookAtResource);
    case 'prompt':
      return unchecked(makeMessages(registry, task.name), lookAtPrompt);
    case 'completion':
      return unchecked(complete(registry, task.name), lookAtCompletion);
    default:
      return task.kind satisfies never;
  }
}

const isLoaded = (tool: LoadedTool | Promise<LoadedTool>): tool is LoadedTool => hasOwn(tool, 'definition');

async function whenLoaded(tool: Promise<LoadedTool>): Promise<Executable> {
  return toExecutable(await tool);
}

/** As many as there are tools. */
const executables = new OwnMap<LoadedTool, Executable>();

function toExecutable(tool: LoadedTool): Executable {
  let executable = executables.get(tool);
  if (!executable) {
    const { definition, input, chunk, output } = tool;
    executable = {
      input,
      chunk,
      output,
      invoke: (value, context) => definition.run(value, context),
      present: (value, text) => presented(value, text, output !== null),
    };
    executables.set(tool, executable);
  }
  return executable;
}

/** @param look at what it makes, which is in MCP's own shape. */
function unchecked(
  invoke: (input: never, context: ToolContext) => unknown,
  look: (value: Record<string, unknown>) => Misfit | null,
): Executable {
  const present = (_value: unknown, text: string) => presentedAs(text, look);
  return { input: null, chunk: null, output: null, invoke, present };
}

interface ResourceInput {
  readonly uri?: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly list?: boolean;
}

function resourceOf(registry: Registry, name: string): ResourceDefinition {
  const resource = registry.resource(name);
  if (!resource) throw new ToolError('not_found', `there is no resource ${stringify(name)}`);
  return resource;
}

function promptOf(registry: Registry, name: string): PromptDefinition {
  const prompt = registry.prompt(name);
  if (!prompt) throw new ToolError('not_found', `there is no prompt ${stringify(name)}`);
  return prompt;
}

/** Gives `{contents: […]}`, or `{resources: […]}` for `list: true`. */
function readOrList(registry: Registry, name: string) {
  const resource = resourceOf(registry, name);
  return async ({ uri = resource.uri ?? '', variables = {}, list }: ResourceInput, context: ToolContext) => {
    if (list) return { resources: (await resource.list?.(context)) ?? [] };
    const read = await resource.read({ uri, variables }, context);
    const pieces: readonly ResourceContents[] =
      typeof read === 'string'
        ? [{ text: read }]
        : ArrayBuffer.isView(read)
          ? [{ blob: read as Uint8Array }]
          : Array.isArray(read)
            ? read
            : [read as ResourceContents];
    const mimeType = resource.mimeType === undefined ? {} : { mimeType: resource.mimeType };
    return { contents: pieces.map((piece) => ({ uri, ...mimeType, ...piece })) };
  };
}

/** Gives `{messages: […], description?}`. */
function makeMessages(registry: Registry, name: string) {
  const prompt = promptOf(registry, name);
  return async (input: Readonly<Record<string, string>>, context: ToolContext) => {
    for (const [argument, { required }] of Object.entries(prompt.arguments ?? {})) {
      if (required && input[argument] === undefined) {
        throw new ToolError('invalid_arguments', `prompt "${name}" needs the argument "${argument}"`);
      }
    }
    const made = await prompt.run(input, context);
    const messages: readonly PromptMessage[] =
      typeof made === 'string' ? [{ role: 'user', content: made }] : made;
    return {
      ...(prompt.description === undefined ? {} : { description: prompt.description }),
      messages: messages.map(({ role, content }) => ({
        role,
        content: typeof content === 'string' ? { type: 'text', text: content } : content,
      })),
    };
  };
}

interface CompletionInput {
  readonly ref: 'prompt' | 'resource';
  readonly argument: string;
  readonly value: string;
  readonly context?: Readonly<Record<string, string>>;
}

/** MCP allows no more values in one answer. */
const MAX_COMPLETIONS = 100;

/** Gives `{values, total, hasMore}`; an argument that does not complete has no values. */
function complete(registry: Registry, name: string) {
  return async ({ ref, argument, value, context = {} }: CompletionInput) => {
    const completer: Completer | undefined =
      ref === 'prompt'
        ? ownValue(promptOf(registry, name).arguments, argument)?.complete
        : ownValue(resourceOf(registry, name).complete, argument);
    const values = completer ? await completer(value, context) : [];
    return {
      values: values.slice(0, MAX_COMPLETIONS),
      total: values.length,
      hasMore: values.length > MAX_COMPLETIONS,
    };
  };
}

const ownValue = <T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined =>
  record && hasOwn(record, key) ? record[key] : undefined;
