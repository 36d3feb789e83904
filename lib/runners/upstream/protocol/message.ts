/** JSON-RPC messages as MCP servers send them: told apart, and what of them is trusted. */
import type { LogLevel } from '../../../call/log-level.ts';
import { ToolError } from '../../../call/tool-error.ts';

export type Fields = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** What our gateways say of themselves, and put into `_meta`. */
export const OWN_NAME = 'mcp-streaming-gateway';
export const OWN_PREFIX = 'io.github.mcp-streaming-gateway/';
/** What the protocol itself puts into `_meta` goes no further than one connection. */
export const PROTOCOL_PREFIX = 'io.modelcontextprotocol/';

export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
export const RESOURCE_NOT_FOUND = -32002;
/** The caller's client cannot be asked what the server has to know. */
const MISSING_CAPABILITY = -32021;

/** An error as a server answers it. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

export function rpcErrorOf(value: unknown): RpcError {
  const { code, message, data } = isObject(value) ? value : {};
  return {
    code: typeof code === 'number' ? code : -32603,
    message: typeof message === 'string' && message !== '' ? message : 'the server answered with an error',
    ...(data === undefined ? {} : { data }),
  };
}

/** A server's error as the call's. What the caller can do something about has a code of its own. */
export function callErrorOf({ code, message, data }: RpcError): ToolError {
  const details = { jsonRpcCode: code, ...(data === undefined ? {} : { data }) };
  const plain = message.replace(/^MCP error -?\d+: /, '');
  if (code === INVALID_PARAMS) return new ToolError('invalid_arguments', plain, { details });
  if (code === RESOURCE_NOT_FOUND) return new ToolError('not_found', plain, { details });
  if (code === MISSING_CAPABILITY && isObject(data)) {
    const { requiredCapabilities } = data;
    return new ToolError('failed_precondition', plain, { details: { ...details, requiredCapabilities } });
  }
  return new ToolError('tool_failed', plain, { details });
}

/** Ours of the eight levels of MCP's log (RFC 5424). */
export const LEVELS: Readonly<Record<string, LogLevel | undefined>> = Object.assign(Object.create(null), {
  debug: 'debug',
  info: 'info',
  notice: 'info',
  warning: 'warning',
  error: 'error',
  critical: 'error',
  alert: 'error',
  emergency: 'error',
});
