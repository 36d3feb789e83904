/** What a client says on a socket: parsed and checked, before anything acts on it. */
import { ToolError } from '../../call/tool-error.ts';
import { parseJsonText } from '../rendering/bounded-json.ts';
import { isJsonObject, type JsonObject, quote } from '../rendering/call-input.ts';

/** A call's id as its client chose it: `1` and `"1"` are two ids. */
export type ClientId = string | number;

export type SocketMessage =
  | { readonly event: 'call'; readonly id: ClientId | undefined; readonly body: JsonObject }
  | { readonly event: 'resume'; readonly id: ClientId; readonly body: JsonObject }
  | { readonly event: 'cancel'; readonly id: ClientId }
  | { readonly event: 'answer'; readonly id: ClientId; readonly ask: number; readonly body: JsonObject }
  | { readonly event: 'ping' };

/**
 * Reads one frame.
 * @throws {ToolError} parse_error, too_complex or invalid_request: it belongs to no call.
 */
export function readSocketMessage(data: Buffer, isBinary: boolean): SocketMessage {
  if (isBinary)
    throw new ToolError('invalid_request', 'binary frames are not accepted; send JSON as a text frame');
  const body = parseJsonText(data.toString());
  if (!isJsonObject(body)) {
    throw new ToolError('invalid_request', `the message ${quote(body)} is not a JSON object`);
  }
  const { event = 'call', id, ask } = body;
  switch (event) {
    case 'ping':
      return { event };
    case 'call':
      return { event, id: id === undefined ? undefined : checkId(id), body };
    case 'resume':
      return { event, id: checkId(id), body };
    case 'cancel':
      return { event, id: checkId(id) };
    case 'answer':
      if (!Number.isSafeInteger(ask)) {
        throw new ToolError(
          'invalid_request',
          `"ask" is ${quote(ask)}; it must be the number of the question`,
        );
      }
      return { event, id: checkId(id), ask: ask as number, body };
    default:
      throw new ToolError(
        'invalid_request',
        `the event ${quote(event)} is unknown; send "call", "resume", "cancel", "answer" or "ping"`,
      );
  }
}

function checkId(id: unknown): ClientId {
  if (typeof id === 'string' && id.length >= 1 && id.length <= 128) return id;
  if (typeof id === 'number' && Number.isSafeInteger(id)) return id;
  throw new ToolError(
    'invalid_request',
    `the id ${quote(id)} is neither a string of 1 to 128 characters nor a safe integer`,
  );
}

/** Where a client that comes back left a call. */
export interface SocketLeftAt {
  readonly callId: string;
  /** The number of the last message that it has; -1: none. */
  readonly after: number;
}

/** @throws {ToolError} invalid_request, naming the field and what it must be. */
export function readLeftAt({ callId, after = -1 }: JsonObject): SocketLeftAt {
  if (typeof callId !== 'string' || callId === '') {
    throw new ToolError('invalid_request', `"callId" is ${quote(callId)}; it must be the "callId" of a call`);
  }
  if (!Number.isSafeInteger(after) || (after as number) < -1) {
    throw new ToolError('invalid_request', `"after" is ${quote(after)}; it must be the "seq" of a message`);
  }
  return { callId, after: after as number };
}

/** What of a message is the call itself: what a body over HTTP would be. */
export function callBody({ event, id, idempotencyKey, trace, ...body }: JsonObject): JsonObject {
  return body;
}
