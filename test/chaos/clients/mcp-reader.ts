/** Reads what MCP says of one call, the same over HTTP and stdio: progress with chunks on it, and one response. */
import { type CallLog, memberOf, shown } from './call-log.ts';

const PREFIX = 'io.github.mcp-streaming-gateway';

export interface McpMessage {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** The nonce of the call that a message belongs to, which is its id and its progress token. */
export function ownerOf(message: McpMessage): unknown {
  return message.method === undefined ? message.id : message.params?.['progressToken'];
}

export function readMcp(log: CallLog, message: McpMessage): void {
  const { method, params, result, error } = message;
  if (method === 'notifications/message') return log.started();
  if (ownerOf(message) !== log.nonce)
    return log.breach('wrong caller', `a message for ${String(ownerOf(message))}: ${shown(message)}`);
  if (method === 'notifications/progress') return readProgress(log, params ?? {});
  if (method !== undefined) return log.breach('contract', `an unknown message ${method}`);
  if (error)
    return log.failed(String(memberOf(error.data, 'code') ?? error.code), memberOf(error.data, 'details'));
  if (!result) return log.breach('contract', `neither result nor error: ${shown(message)}`);
  if (result['isError'] === true) {
    const failure = memberOf(result['_meta'], `${PREFIX}/error`);
    return log.failed(memberOf(failure, 'code'), memberOf(failure, 'details'));
  }
  log.succeeded(result['structuredContent']);
}

function readProgress(log: CallLog, params: Readonly<Record<string, unknown>>): void {
  const chunk = memberOf(params['_meta'], `${PREFIX}/chunk`);
  log.progress(params['progress'], params['message']);
  if (chunk === undefined) return;
  const [index, items] = [Number(memberOf(chunk, 'index')), memberOf(chunk, 'items')];
  if (!Array.isArray(items)) return log.breach('contract', `a chunk without items: ${shown(chunk)}`);
  for (const [at, item] of items.entries()) log.chunk(index + at, item);
}

export const MODERN = '2026-07-28';
export const LEGACY = '2025-11-25';

/** The params of a tools/call; those of the stateless era say so themselves. */
export function callParams(tool: string, args: object, nonce: string, isModern: boolean): object {
  const modern = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  return { name: tool, arguments: args, _meta: { progressToken: nonce, ...(isModern ? modern : {}) } };
}
