/** What MCP takes of a transport's context, the same over HTTP and stdio. */
import type { BaseContext } from '../transport.ts';
import type { McpServiceOptions } from './service.ts';

/** @param transport the name of the transport that serves. */
export function serviceOptions(
  transport: string,
  { calls, news, identity, limits, log, reloads, toolSearch }: BaseContext,
): McpServiceOptions {
  return {
    transport,
    dispatcher: calls,
    news,
    identity,
    log,
    maxResultBytes: limits.maxResultBytes,
    listsChange: reloads,
    toolSearch,
    // A little less than what clients wait, so that they see why their call ended.
    callTimeoutMs: Math.ceil(limits.callTimeoutMs * 0.99),
  };
}
