/**
 * JSON-RPC messages as MCP has them: what came in, told apart and checked, and the text of what goes out.
 *
 * M1. An id is a string or a safe integer and keeps its JSON type: 1 and "1" are different requests.
 * M2. `params` is always an object here; absent params, and null, are an empty one. A list is a request of JSON-RPC with
 *     the wrong params; anything else there is no request.
 * M3. Outgoing messages are text, so that results and chunks made in a thread are pasted, never parsed.
 * M4. What of a client's strings is told back has no lone surrogates: they are no Unicode text, and leave as U+FFFD.
 */

export type MessageId = string | number;
export type Params = Readonly<Record<string, unknown>>;

export interface McpRequest {
  readonly kind: 'request';
  readonly id: MessageId;
  readonly method: string;
  readonly params: Params;
}

export interface McpNotification {
  readonly kind: 'notification';
  readonly method: string;
  readonly params: Params;
}

export interface McpResponse {
  readonly kind: 'response';
  readonly id: MessageId;
  /** The message as it came, for whoever asked. */
  readonly message: Params;
}

export interface InvalidMessage {
  readonly kind: 'invalid';
  /** What is wrong: the message, or no more than its params. */
  readonly what: 'message' | 'params';
  /** The id to answer under, null when it cannot be known. */
  readonly id: MessageId | null;
  readonly reason: string;
}

export type IncomingMcpMessage = McpRequest | McpNotification | McpResponse | InvalidMessage;

export function isObject(value: unknown): value is Params {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isMessageId(value: unknown): value is MessageId {
  return typeof value === 'string' || Number.isSafeInteger(value);
}

/** Tells what one JSON value is as an MCP message. */
export function readMessage(value: unknown): IncomingMcpMessage {
  if (!isObject(value))
    return { kind: 'invalid', what: 'message', id: null, reason: 'a message is a JSON object' };
  const { id, method, params } = value;
  const invalid = (reason: string, what: InvalidMessage['what'] = 'message'): InvalidMessage => ({
    kind: 'invalid',
    what,
    id: isMessageId(id) ? id : null,
    reason,
  });
  if (value['jsonrpc'] !== '2.0') return invalid('"jsonrpc" must be "2.0"');
  const answers = 'result' in value || 'error' in value;
  if (method === undefined) {
    if (!answers) return invalid('a message has a "method", a "result" or an "error"');
    if (!isMessageId(id)) return invalid('a response carries the id of its request');
    return { kind: 'response', id, message: value };
  }
  if (answers) return invalid('a message with a "method" has no "result" and no "error"');
  if (typeof method !== 'string' || method === '') return invalid('"method" must be a string');
  const given = params ?? {};
  if (!isObject(given))
    return invalid('"params" must be an object', Array.isArray(given) ? 'params' : 'message');
  if (!('id' in value)) return { kind: 'notification', method, params: given };
  if (!isMessageId(id)) return invalid('"id" must be a string or a whole number within 2^53');
  return { kind: 'request', id, method, params: given };
}

/** `_meta` of a request, or an empty object. */
export function metaOf(params: Params): Params {
  const meta = params['_meta'];
  return isObject(meta) ? meta : {};
}

/** The JSON text of a value that may hold strings of a client (M4). */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value);
  // JSON.stringify escapes lone surrogates, and no other character above U+001F.
  return text.includes('\\ud')
    ? text.replace(ESCAPE, (found) => (found.length > 2 ? '\\ufffd' : found))
    : text;
}

const ESCAPE = /\\ud[89a-f][0-9a-f]{2}|\\./g;

/** The text of a successful response; `result` is JSON text. */
export function responseText(id: MessageId, result: string): string {
  return `{"jsonrpc":"2.0","id":${jsonText(id)},"result":${result}}`;
}

/** The text of a notification; `params` is JSON text. */
export function notificationText(method: string, params: string): string {
  return `{"jsonrpc":"2.0","method":${jsonText(method)},"params":${params}}`;
}
