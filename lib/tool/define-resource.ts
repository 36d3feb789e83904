/**
 * Resources for MCP clients: data that a client reads by URI, defined beside the tools and run in threads like them.
 */
import type { Icon, Isolation } from '../call/catalog.ts';
import { brand } from './brand.ts';
import type { ToolContext } from './define-tool.ts';

/** One piece of a resource: text, or bytes. */
export interface ResourceContents {
  /** Default: the URI that was read. */
  readonly uri?: string;
  readonly mimeType?: string;
  readonly text?: string;
  /** Bytes, or their base64 text. */
  readonly blob?: string | Uint8Array;
}

/** One member of a template's list. */
export interface ResourceListing {
  readonly uri: string;
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly mimeType?: string;
}

export type Variables = Readonly<Record<string, string>>;

export type Completer = (value: string, known: Variables) => readonly string[] | Promise<readonly string[]>;

export interface ResourceDefinition {
  /** Unique among the loaded resources. */
  readonly name: string;
  /** The address of a single resource; give this or `uriTemplate`. */
  readonly uri?: string;
  /** An RFC 6570 level 1 template such as `journey://{id}`. */
  readonly uriTemplate?: string;
  readonly title?: string;
  readonly description?: string;
  readonly mimeType?: string;
  readonly icons?: readonly Icon[];
  /** As for tools; default `shared`, since reading is mostly waiting. */
  readonly isolation?: Isolation;
  /** Reads one resource. @throws {ToolError} `not_found` when there is none at `uri`. */
  read(
    request: { readonly uri: string; readonly variables: Variables },
    context: ToolContext,
  ): Promise<ResourceContents | readonly ResourceContents[] | string | Uint8Array>;
  /** Lists the members of a template. */
  list?(context: ToolContext): Promise<readonly ResourceListing[]>;
  /** Completes template variables, by variable name. */
  readonly complete?: Readonly<Record<string, Completer>>;
}

/**
 * Declares a resource or a resource template.
 * @throws {TypeError} without a name and a `read`, or unless exactly one of `uri` and `uriTemplate` is given.
 */
export function defineResource(definition: ResourceDefinition): ResourceDefinition {
  if (typeof definition?.name !== 'string' || definition.name === '')
    throw new TypeError('a resource needs a name');
  if ((definition.uri === undefined) === (definition.uriTemplate === undefined)) {
    throw new TypeError(`resource "${definition.name}" needs either a uri or a uriTemplate`);
  }
  if (typeof definition.read !== 'function') {
    throw new TypeError(`resource "${definition.name}" needs a read function`);
  }
  return brand('resource', definition);
}
