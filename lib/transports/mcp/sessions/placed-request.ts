/** Requests of ours to a client that may answer at another gateway. */
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

/** A request of ours, or what takes one back, under an id that tells other gateways whose it is. */
export function placed(message: JSONRPCMessage, place: string): object {
  if ('id' in message) return { ...message, id: `${place}.${message.id}` };
  if (!('method' in message) || message.method !== 'notifications/cancelled') return message;
  const { params } = message;
  return { ...message, params: { ...params, requestId: `${place}.${params?.['requestId']}` } };
}
