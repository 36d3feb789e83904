/**
 * The SDK's Transport interface over a session of ours: what comes in is handed over parsed, what goes out is routed
 * by the request it belongs to.
 */

import type { Transport, TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { JsonSchemaType, JsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/types.js';
import type { McpNotification, McpRequest, MessageId, Params } from '../message.ts';

export class SdkTransport implements Transport {
  onmessage?: (message: JSONRPCMessage) => void;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  readonly #write: (message: JSONRPCMessage, related: MessageId | undefined) => void;

  constructor(write: (message: JSONRPCMessage, related: MessageId | undefined) => void) {
    this.#write = write;
  }

  async start(): Promise<void> {}

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    this.#write(message, options?.relatedRequestId);
  }

  async close(): Promise<void> {
    this.onclose?.();
  }

  receive({ kind: _kind, ...message }: McpRequest | McpNotification): void {
    this.receiveRaw({ jsonrpc: '2.0', ...message });
  }

  receiveRaw(message: Params): void {
    this.onmessage?.(message as JSONRPCMessage);
  }
}

/** The SDK builds an AJV instance per Server to check form answers; we never ask through that method. */
export const NO_VALIDATOR = {
  getValidator<T>(_schema: JsonSchemaType): JsonSchemaValidator<T> {
    return (input) => ({ valid: true, data: input as T, errorMessage: undefined });
  },
};
