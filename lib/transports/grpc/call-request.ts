/** From a CallRequest of a client to a call of the gateway. */
import { LOG_RANK, type LogLevel } from '../../call/log-level.ts';
import type { CallRequest, RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { Calls } from '../../dispatch/calls.ts';
import { parseJsonText } from '../rendering/bounded-json.ts';
import { quote, readCallInput, readIdempotencyKey, repeatBytesOf } from '../rendering/call-input.ts';
import type { TransportLimits } from '../transport.ts';
import type { Exchange } from './exchange.ts';
import type { CallMessage } from './messages.ts';

export interface CallContext {
  /** The transport's name. */
  readonly transport: string;
  readonly calls: Calls;
  readonly limits: TransportLimits;
}

/** How the client wants its call. */
interface Wishes {
  readonly streams: boolean;
  readonly abilities?: CallRequest['abilities'];
  /** Of the whole RPC, where the call is all of it. */
  readonly timeoutMs?: number | undefined;
}

const TRACE_HEADERS = ['traceparent', 'tracestate', 'baggage'] as const;

/**
 * Starts the call; only one with an idempotency key gives a promise.
 * @throws {ToolError} invalid_request and the like, at once or as a rejection; what is wrong with the call itself is its end.
 */
export function startCall(
  message: CallMessage,
  exchange: Exchange,
  { transport, calls, limits }: CallContext,
  { streams, abilities, timeoutMs: rpcTimeoutMs }: Wishes,
): RunningCall | Promise<RunningCall> {
  const { tool, idempotencyKey } = message;
  if (tool === '') throw new ToolError('invalid_request', '"tool" is empty; give the name of a tool');
  const body = {
    arguments: message.arguments === '' ? {} : parseJsonText(message.arguments),
    ...(message.timeoutMs !== undefined && { timeoutMs: message.timeoutMs }),
    ...(message.result !== '' && { result: message.result }),
    ...(message.detach !== undefined && { detach: message.detach }),
  };
  const input = readCallInput(body);
  const repeatBytes = repeatBytesOf(input, limits);
  const key = idempotencyKey === '' ? undefined : readIdempotencyKey(idempotencyKey, '"idempotency_key"');
  const isKept = streams || input.detachMs !== undefined || key !== undefined;
  const request: CallRequest = {
    name: tool,
    arguments: input.arguments,
    caller: { keyId: exchange.keyId, transport },
    streams,
    repeatBytes: streams ? repeatBytes : limits.maxResultBytes,
    abilities,
    logLevel: streams ? readLogLevel(message.logLevel) : undefined,
    timeoutMs: shorter(input.timeoutMs, rpcTimeoutMs),
    origin: exchange.origin,
    requestMeta: traceOf(exchange),
    keep: isKept ? { detachMs: input.detachMs, repeatBytes } : undefined,
  };
  return key === undefined ? calls.call(request) : calls.callOnce(request, { key, body });
}

/** @throws {ToolError} invalid_request. */
function readLogLevel(text: string): LogLevel | undefined {
  if (text === '') return undefined;
  if (Object.hasOwn(LOG_RANK, text)) return text as LogLevel;
  const levels = Object.keys(LOG_RANK).join(', ');
  throw new ToolError('invalid_request', `"log_level" is ${quote(text)}; it must be one of ${levels}`);
}

/** A deadline that is over is one of a millisecond: the call ends by it, and not by a refusal. */
function shorter(own: number | undefined, rpc: number | undefined): number | undefined {
  const least = Math.min(own ?? Number.POSITIVE_INFINITY, rpc ?? Number.POSITIVE_INFINITY);
  return Number.isFinite(least) ? Math.max(1, Math.round(least)) : undefined;
}

function traceOf(exchange: Exchange): Record<string, string> | undefined {
  let trace: Record<string, string> | undefined;
  for (const name of TRACE_HEADERS) {
    const value = exchange.header(name);
    if (value !== undefined) trace = { ...trace, [name]: value };
  }
  return trace;
}
