/**
 * The public API. Tool modules import it in threads, so it loads only what a definition needs; the gateway itself is
 * imported when `createGateway` is called.
 */

import { ToolError } from './call/tool-error.ts';
import type { Config } from './config/options.ts';
import type { Gateway, Preload } from './gateway.ts';
import type { Runner } from './runners/runner.ts';
import { isBranded } from './tool/brand.ts';
import type { Transport } from './transports/transport.ts';

export type { Access } from './access/access.ts';
export type { ErrorEvent, ResultEvent, TerminalEvent, ToolEvent } from './call/call-events.ts';
export type { Caller, ClientAbilities } from './call/caller.ts';
export type {
  CallKind,
  Catalog,
  Icon,
  Isolation,
  JsonSchema,
  PromptDescriptor,
  ResourceDescriptor,
  ToolAnnotations,
  ToolDescriptor,
} from './call/catalog.ts';
export type { ErrorCode } from './call/error-code.ts';
export type { LogLevel } from './call/log-level.ts';
export type {
  CallRequest,
  CancelReason,
  RequestOrigin,
  RpcOrigin,
  RunningCall,
} from './call/running-call.ts';
export { ToolError, type ToolErrorOptions } from './call/tool-error.ts';
export type { TraceContext } from './call/trace-context.ts';
export type { ConfigError } from './config/config-error.ts';
export type { Config } from './config/options.ts';
export type { Quota } from './dispatch/call-rates.ts';
export type { Calls } from './dispatch/calls.ts';
export type { CallRecord, GatewayObserver, ProgressRecord, StartedCall } from './dispatch/observers.ts';
export type {
  CallOptions,
  CloseOptions,
  Gateway,
  GatewayStats,
  Listening,
  ListenOptions,
  Preload,
} from './gateway.ts';
export type {
  AdmittedCall,
  Defect,
  DurationCounts,
  Percentiles,
  Runner,
  RunnerListener,
  RunnerStats,
  RunnerStatus,
  ToolLogRecord,
  ToolNotice,
  UnitEvent,
} from './runners/runner.ts';
export type { AskClient, ElicitAnswer, ElicitForm, ElicitUrl, SampleRequest } from './tool/ask-client.ts';
export { type ContentBlock, content, type ToolContent } from './tool/content.ts';
export { definePrompt, type PromptDefinition, type PromptMessage } from './tool/define-prompt.ts';
export {
  defineResource,
  type ResourceContents,
  type ResourceDefinition,
  type ResourceListing,
} from './tool/define-resource.ts';
export {
  defineTool,
  type RawSchema,
  type StandardSchema,
  type ToolContext,
  type ToolDefinition,
  type ZodShape,
} from './tool/define-tool.ts';
export type { UpgradedConnection } from './transports/http/connection-table.ts';
export type { Endpoint } from './transports/http/endpoint.ts';
export type { GatewayRequest, GatewayResponse } from './transports/http/gateway-message.ts';
export type {
  AnswerFormat,
  HttpRegistration,
  HttpRoute,
  Mount,
  UpgradeRoute,
} from './transports/http/registration.ts';
export type { SocketKeeper } from './transports/http/server.ts';
export type { News, NewsSource } from './transports/news.ts';
export type { StreamWatch, WatchedStream } from './transports/rendering/stream-watch.ts';
export type { TransportLog } from './transports/rendering/transport-log.ts';
export type { TransportMeter } from './transports/rendering/transport-meter.ts';
export type {
  ClientStreams,
  PrintOptions,
  Transport,
  TransportContext,
  TransportLimits,
} from './transports/transport.ts';

/**
 * Settings of a gateway in code: any field of `Config`, in its units; what is left out has its default, and no variable
 * of the environment is read but those that say where a user's data lives. `tools` are paths (from the working folder)
 * or file URLs of modules or folders. `supervise` is an option of the programs alone: a gateway in code has no parent.
 */
export type GatewayOptions = Omit<Partial<Config>, 'tools' | 'supervise'> & {
  readonly tools?: readonly (string | URL)[];
  /** What will be called first, `listen()` or `connect()`: its code is then loaded while the threads load the tools. */
  readonly preload?: Preload;
  /**
   * Whether this program runs tools itself, by `call()`. False: where one key alone may call, threads are made for that one
   * caller, and take half a MiB and 20 ms less each; a call of another caller replaces them all first. Default: true.
   */
  readonly makesCalls?: boolean;
  /** More transports, beside the gateway's own: `listen()` opens them, `close()` closes them, `/stats` counts them. */
  readonly transports?: readonly Transport[];
  /**
   * Runners of your own, beside the threads: what they offer is served like any tool. The gateway closes them with
   * itself; where `createGateway` rejects they are yours to close. Default: none.
   */
  readonly runners?: readonly Runner[];
};

/**
 * Starts the threads and loads the tools. Call `listen()` to open the transports, `connect()` for MCP over a pair of
 * streams, `call()` to run a tool from code, and `close()` at the end: until then its threads keep the process alive.
 * @example const gateway = await createGateway({ tools: [new URL('./my-tools.js', import.meta.url)] });
 * @throws {ConfigError} (known by its `name`) when a setting is wrong; `problems` has a sentence for each.
 * @throws {ToolError} `unavailable` when a tool module cannot be used or DATA_DIR is no folder's path, or two runners offer the same
 * name (both are named), `invalid_arguments` when `tools` holds anything but paths and URLs, or two transports have one
 * name.
 */
export async function createGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const { tools = [], preload, makesCalls, transports = [], runners = [], ...settings } = options;
  for (const tool of tools as readonly unknown[]) {
    if (typeof tool === 'string' || tool instanceof URL) continue;
    const what = isBranded('tool', tool)
      ? `the tool ${(tool as { name?: string }).name} itself`
      : typeof tool;
    throw new ToolError(
      'invalid_arguments',
      `tools takes paths or URLs of modules, not ${what}: tools run on threads, and functions cannot be sent there`,
    );
  }
  const [{ completeConfig }, { Gateway: GatewayClass }] = await Promise.all([
    import('./config/load.ts'),
    import('./gateway.ts'),
  ]);
  return GatewayClass.open(completeConfig({ ...settings, tools: tools.map(String) }), {
    preload,
    makesCalls,
    transports,
    runners,
  });
}
