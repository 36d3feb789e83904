/**
 * Where a request carries its API key: X-API-Key, then Authorization: Bearer and, for WebSocket clients that cannot
 * set headers, `?api_key=` or the subprotocol pair `mcp-gateway.v1, apikey.<base64url KEY>`.
 */
import type { IncomingMessage } from 'node:http';

/** The one subprotocol a WebSocket handshake selects; the `apikey.` one is never echoed. */
export const WEBSOCKET_SUBPROTOCOL = 'mcp-gateway.v1';

/** The key of a request; undefined where there is none, or an empty one. */
export function presentedKey(request: IncomingMessage, isWebSocket: boolean): string | undefined {
  const { headers } = request;
  const header = headers['x-api-key'];
  if (typeof header === 'string' && header !== '') return header;
  const bearer = bearerToken(headers.authorization);
  if (bearer !== undefined) return bearer;
  return isWebSocket
    ? (queryKey(request.url) ?? subprotocolKey(headers['sec-websocket-protocol']))
    : undefined;
}

/** The token of an `Authorization: Bearer` header. */
export function bearerToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return undefined;
  return authorization.slice(7).trim() || undefined;
}

function queryKey(url = ''): string | undefined {
  const start = url.indexOf('?');
  return start < 0 ? undefined : new URLSearchParams(url.slice(start)).get('api_key') || undefined;
}

function subprotocolKey(offered: string | undefined): string | undefined {
  for (const protocol of offered?.split(',') ?? []) {
    const name = protocol.trim();
    if (name.startsWith('apikey.')) return Buffer.from(name.slice(7), 'base64url').toString() || undefined;
  }
  return undefined;
}
