/**
 * Prompts for MCP clients: message templates with arguments, defined beside the tools and run in threads like them.
 */
import type { Icon, Isolation } from '../call/catalog.ts';
import { brand } from './brand.ts';
import type { Completer } from './define-resource.ts';
import type { ToolContext } from './define-tool.ts';

export interface PromptMessage {
  readonly role: 'user' | 'assistant';
  /** A string is short for a text block; else any MCP content block. */
  readonly content: string | { readonly type: string; readonly [key: string]: unknown };
}

export interface PromptArgumentDefinition {
  readonly description?: string;
  readonly required?: boolean;
  readonly complete?: Completer;
}

export interface PromptDefinition {
  /** Unique among the loaded prompts. */
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  /** By argument name; arguments are strings. */
  readonly arguments?: Readonly<Record<string, PromptArgumentDefinition>>;
  readonly icons?: readonly Icon[];
  /** As for tools; default `shared`. */
  readonly isolation?: Isolation;
  /** Makes the messages. */
  run(
    input: Readonly<Record<string, string>>,
    context: ToolContext,
  ): Promise<readonly PromptMessage[] | string> | readonly PromptMessage[] | string;
}

/** Declares a prompt. @throws {TypeError} without a name or a `run`. */
export function definePrompt(definition: PromptDefinition): PromptDefinition {
  if (typeof definition?.name !== 'string' || definition.name === '')
    throw new TypeError('a prompt needs a name');
  if (typeof definition.run !== 'function')
    throw new TypeError(`prompt "${definition.name}" needs a run function`);
  return brand('prompt', definition);
}
