/**
 * What can be called, as data: all that the gateway and its transports know of tools, resources and prompts.
 */
import type { ToolLimits } from './tool-limits.ts';

/** What kind of definition a call runs. Only tools are served outside MCP. */
export type CallKind = 'tool' | 'resource' | 'prompt' | 'completion';

/** What a crash takes along: the calls on its thread, the one call alone, or that call's process and nothing of ours. */
export type Isolation = 'shared' | 'exclusive' | 'process';

export interface ToolAnnotations {
  readonly title?: string;
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
}

export interface Icon {
  readonly src: string;
  readonly mimeType?: string;
  readonly sizes?: readonly string[];
  readonly theme?: 'light' | 'dark';
}

/** A JSON Schema document, draft 2020-12 unless it says otherwise. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** A tool as data: all the gateway ever knows of it. */
export interface ToolDescriptor extends ToolLimits {
  readonly name: string;
  readonly title?: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
  readonly outputSchema?: JsonSchema;
  readonly chunkSchema?: JsonSchema;
  readonly annotations?: ToolAnnotations;
  readonly icons?: readonly Icon[];
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly isolation: Isolation;
}

/** A resource (fixed `uri`) or a resource template (`uriTemplate`) as data. */
export interface ResourceDescriptor {
  readonly name: string;
  readonly uri?: string;
  readonly uriTemplate?: string;
  /** Neither listed nor a template: whatever begins with this and is nothing else's can be read. */
  readonly uriPrefix?: string;
  /** What lists call it, where that is not unique. */
  readonly label?: string;
  readonly title?: string;
  readonly description?: string;
  readonly mimeType?: string;
  readonly icons?: readonly Icon[];
  readonly isolation: Isolation;
  /** True when the template can list its members. */
  readonly lists: boolean;
  /** Names of template variables that complete. */
  readonly completes: readonly string[];
}

export interface PromptArgument {
  readonly name: string;
  readonly description?: string;
  readonly required?: boolean;
  /** True when the argument completes. */
  readonly completes?: boolean;
}

/** A prompt as data. */
export interface PromptDescriptor {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly arguments: readonly PromptArgument[];
  readonly icons?: readonly Icon[];
  readonly isolation: Isolation;
}

/** Everything the loaded modules offer, each list sorted by name. */
export interface Catalog {
  readonly tools: readonly ToolDescriptor[];
  readonly resources: readonly ResourceDescriptor[];
  readonly prompts: readonly PromptDescriptor[];
  /** True: this is what a key sees that may not use everything. */
  readonly isPartial?: true;
}
