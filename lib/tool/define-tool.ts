/**
 * What a tool is, for its author: `defineTool` and the context that `run` receives.
 *
 * D1. Loaded in threads (by tool modules) and, for its types, everywhere; so it imports no library at run time.
 * D2. Definitions carry a `Symbol.for` brand: a tool module may have imported another copy of this package.
 */
import type { z } from 'zod';
import type { Caller } from '../call/caller.ts';
import type { Icon, Isolation, JsonSchema, ToolAnnotations } from '../call/catalog.ts';
import type { LogLevel } from '../call/log-level.ts';
import { LIMIT_NAMES, LIMITS, type LimitName, NOT_READ_ONLY, type ToolLimits } from '../call/tool-limits.ts';
import type { TraceContext } from '../call/trace-context.ts';
import type { AskClient } from './ask-client.ts';
import { brand } from './brand.ts';

/**
 * A schema in raw JSON Schema, advertised exactly as written: draft 2020-12, or the one (2019-09, 07, 06, 04) that its
 * `$schema` names. Defaults are filled in and the common formats checked, as with zod.
 */
export interface RawSchema {
  readonly jsonSchema: JsonSchema;
}

/** A schema of any library that says itself as JSON Schema: `StandardJSONSchemaV1` of standardschema.dev. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly vendor: string;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    readonly jsonSchema: {
      readonly input: (options: { readonly target: string }) => Record<string, unknown>;
      readonly output: (options: { readonly target: string }) => Record<string, unknown>;
    };
    /** Absent: the JSON Schema is what is checked. */
    readonly validate?: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
  };
}

type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
      }[];
    };

/** The members of an object as zod schemas: short for `z.object()` of them. */
export type ZodShape = Readonly<Record<string, z.ZodType>>;

/** What a schema may be. A plain JSON Schema object is taken for a raw one too. */
export type SchemaSource = z.ZodType | RawSchema | StandardSchema | ZodShape;

type InputOf<S> = S extends z.ZodType
  ? z.output<S>
  : S extends StandardSchema<unknown, infer Output>
    ? Output
    : S extends ZodShape
      ? { [K in keyof S]: z.output<S[K]> }
      : Record<string, unknown>;
type ValueOf<S> = S extends z.ZodType
  ? z.input<S>
  : S extends StandardSchema<infer Input>
    ? Input
    : S extends ZodShape
      ? { [K in keyof S]: z.input<S[K]> }
      : unknown;

/** What `run` gets besides its input. */
export interface ToolContext extends AskClient {
  /** Aborts when the call is cancelled, its deadline strikes, its client leaves or the gateway stops. */
  readonly signal: AbortSignal;
  /**
   * Reports progress; returns at once. Values must grow: one that does not is dropped. At most 20 are sent in any
   * second and 15 a second steadily; above that the latest wins, and the last is always sent before the end.
   * @param total what `value` grows towards, where known.
   * @throws {TypeError} when `value` or `total` is not a finite number.
   */
  progress(value: number, total?: number | null, message?: string): void;
  /**
   * Writes a record to the gateway's log and, where they asked for the level, to MCP clients. A thread may write 200
   * a second steadily (1000 in a burst), 8 KiB each; more are dropped and counted.
   * @param data anything that is JSON; what is not is left out.
   */
  log(level: LogLevel, message: string, data?: unknown): void;
  /** What is put here goes beside the result: `meta` over HTTP and WebSocket, `_meta` over MCP. */
  readonly meta: Record<string, unknown>;
  /** `_meta` of the request, where the transport has one. */
  readonly requestMeta: Readonly<Record<string, unknown>>;
  /** The trace that the call belongs to, for spans of the tool's own and for what it calls; undefined: none. */
  readonly trace: TraceContext | undefined;
  /** Names this call in every log record and answer; never that of another call. */
  readonly callId: string;
  /** Whose key called (`keyId`, a public name of it) and through which transport. */
  readonly caller: Caller;
  /** Tells MCP clients that subscribed to the resource that it changed. */
  resourceUpdated(uri: string): void;
  /** Tells MCP clients that the list of resources changed. */
  resourcesChanged(): void;
}

/** A tool as its author writes it. */
export interface ToolDefinition<
  I extends SchemaSource = SchemaSource,
  C extends SchemaSource = SchemaSource,
  O extends SchemaSource = SchemaSource,
> extends ToolLimits {
  /** 1–128 characters of `A–Z a–z 0–9 _ - .`; unique among the loaded tools. */
  readonly name: string;
  readonly title?: string;
  readonly description: string;
  /** What a call's arguments must be: an object schema. Default: an object without rules. */
  readonly input?: I;
  /** What each `yield` carries. A chunk that does not fit fails the call. */
  readonly chunk?: C;
  /** What `return` carries. A result that does not fit fails the call. */
  readonly output?: O;
  readonly annotations?: ToolAnnotations;
  readonly icons?: readonly Icon[];
  /** `_meta` of the tool in MCP's tools/list. */
  readonly meta?: Readonly<Record<string, unknown>>;
  /**
   * `exclusive` (default): alone on its thread, so that a crash or a kill hits one call. `shared`: for I/O-bound
   * tools, many calls on one thread, and a crash or a kill there takes its neighbours along. `process`: alone in a child
   * process, so that what a thread cannot contain (a native crash, descriptor 1) hits one call too; it starts when it is
   * needed, which takes some 0.25 s.
   */
  readonly isolation?: Isolation;
  /**
   * Runs one call. `async *` yields chunks and returns the result (nothing: the result is the list of chunks);
   * plain `async` returns the result.
   */
  run(
    input: InputOf<I>,
    context: ToolContext,
  ):
    | AsyncGenerator<ValueOf<C>, ValueOf<O> | void, void>
    | Promise<ValueOf<O> | AsyncIterable<ValueOf<C>> | void>;
}

/**
 * Declares a tool. Export the value from the module (one, an array, or the default export).
 * @throws {TypeError} when the name is missing or has other characters than `ToolDefinition.name` allows, when there is no
 * description or no `run`, when a member has a name that another library gives it, when the isolation or a limit is none,
 * or a limit cannot hold for the tool. Schemas are checked when the module is loaded.
 */
export function defineTool<
  I extends SchemaSource = RawSchema,
  C extends SchemaSource = RawSchema,
  O extends SchemaSource = RawSchema,
>(definition: ToolDefinition<I, C, O>): ToolDefinition<I, C, O> {
  if (typeof definition !== 'object' || definition === null)
    throw new TypeError('defineTool needs a tool definition object');
  if (typeof definition.name !== 'string' || !/^[A-Za-z0-9_.-]{1,128}$/.test(definition.name)) {
    throw new TypeError(
      `tool name ${JSON.stringify(definition.name)} is not 1-128 characters of A-Z a-z 0-9 _ - .`,
    );
  }
  if (typeof definition.description !== 'string' || definition.description === '') {
    throw new TypeError(`tool "${definition.name}" needs a description: clients choose tools by it`);
  }
  refuseOtherNames(definition);
  if (typeof definition.run !== 'function')
    throw new TypeError(`tool "${definition.name}" needs a run function`);
  const { isolation = 'exclusive' }: { readonly isolation?: string } = definition;
  if (!ISOLATIONS.includes(isolation))
    throw new TypeError(
      `tool "${definition.name}": isolation is ${JSON.stringify(isolation)}; expected "exclusive", "shared" or "process"`,
    );
  checkLimits(definition);
  return brand('tool', definition);
}

const ISOLATIONS: readonly string[] = ['exclusive', 'shared', 'process'] satisfies readonly Isolation[];

/** What other libraries call the members of a definition. Passed over, they would leave a tool without its schema. */
const OTHER_NAMES = {
  inputSchema: 'input',
  parameters: 'input',
  args: 'input',
  schema: 'input',
  outputSchema: 'output',
  chunkSchema: 'chunk',
  handler: 'run',
  execute: 'run',
  func: 'run',
  timeout: 'timeoutMs',
} as const;

function refuseOtherNames(definition: object): void {
  const { name } = definition as { readonly name: string };
  for (const [other, own] of Object.entries(OTHER_NAMES)) {
    if (!Object.hasOwn(definition, other) || Object.hasOwn(definition, own)) continue;
    throw new TypeError(`tool "${name}" has "${other}", which means nothing here; write "${own}"`);
  }
}

function checkLimits(definition: Pick<ToolDefinition, 'name' | 'annotations' | LimitName>): void {
  const { name, annotations, cacheSeconds } = definition;
  for (const limit of LIMIT_NAMES) {
    const value: unknown = definition[limit];
    if (value === undefined || LIMITS[limit].accepts(value)) continue;
    throw new TypeError(`tool "${name}": ${limit} is ${String(value)}; expected ${LIMITS[limit].expected}`);
  }
  if (cacheSeconds !== undefined && annotations?.readOnlyHint !== true)
    throw new TypeError(`tool "${name}": ${NOT_READ_ONLY}`);
}
