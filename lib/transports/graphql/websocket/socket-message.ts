/** What a client says in `graphql-transport-ws`: parsed and checked, before anything acts on it. */
import { ToolError } from '../../../call/tool-error.ts';
import { parseJsonText } from '../../rendering/bounded-json.ts';
import { isJsonObject, quote } from '../../rendering/call-input.ts';

export type SocketMessage =
  | { readonly type: 'connection_init' | 'ping' | 'pong' }
  | { readonly type: 'subscribe'; readonly id: string; readonly payload: unknown }
  | { readonly type: 'complete'; readonly id: string };

/** @throws {ToolError} for what the protocol does not know: the socket is closed for it. */
export function readSocketMessage(data: Buffer, isBinary: boolean): SocketMessage {
  if (isBinary) throw new ToolError('invalid_request', 'binary frames are not accepted');
  const message = parseJsonText(data.toString());
  if (!isJsonObject(message)) throw new ToolError('invalid_request', 'the message is no JSON object');
  const { type, id, payload } = message;
  switch (type) {
    case 'connection_init':
    case 'ping':
    case 'pong':
      if (payload !== undefined && payload !== null && !isJsonObject(payload)) {
        throw new ToolError('invalid_request', `the payload of "${type}" is no object`);
      }
      return { type };
    case 'subscribe':
      return { type, id: checkId(id), payload };
    case 'complete':
      return { type, id: checkId(id) };
    default:
      throw new ToolError('invalid_request', `the type ${quote(type)} is unknown`);
  }
}

function checkId(id: unknown): string {
  if (typeof id === 'string' && id.length >= 1 && id.length <= 128) return id;
  throw new ToolError('invalid_request', 'the id is no string of 1 to 128 characters');
}
