/**
 * Answers a request to /mcp with an error instead of anything else: JSON-RPC in the body, and the HTTP status and
 * headers that say the same.
 */
import type { GatewayRequest, GatewayResponse } from '../../http/gateway-message.ts';
import { commonHeaders } from '../../http/response.ts';
import { codeOf, faultText, type McpFault } from '../fault.ts';
import type { MessageId } from '../message.ts';

/** Refuses a request, unless it is being answered already. */
export function refuse(
  request: GatewayRequest,
  response: GatewayResponse,
  fault: McpFault,
  id: MessageId | null = null,
  extra: readonly string[] = [],
): void {
  if (response.headersSent || response.destroyed) return;
  request.onRefused?.(request, codeOf(fault), fault.status, fault.message);
  const body = faultText(id, fault);
  const headers = commonHeaders(request);
  headers.push(...fault.headers);
  headers.push(
    'Content-Type',
    'application/json',
    'Content-Length',
    String(Buffer.byteLength(body)),
    ...extra,
  );
  response.writeHead(fault.status, headers);
  response.end(body);
}
