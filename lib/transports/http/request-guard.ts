/**
 * What every HTTP request passes before its route: an id, Host and Origin, CORS preflight, the key, and room for its
 * connection.
 */
import type { NextFunction } from 'express';
import type { Access } from '../../access/access.ts';
import type { ConnectionTable } from './connection-table.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import type { OpenPaths } from './open-paths.ts';
import { requestIdFor } from './request-id.ts';
import { commonHeaders } from './response.ts';

export interface GuardOptions {
  readonly access: Access;
  readonly connections: Pick<ConnectionTable, 'admit'>;
  /** Paths that need no key, or check it themselves. */
  readonly openPaths: Pick<OpenPaths, 'has'>;
}

export function requestGuard({ access, connections, openPaths }: GuardOptions) {
  return (request: GatewayRequest, response: GatewayResponse, next: NextFunction): unknown => {
    request.requestId = requestIdFor(request.headers['x-request-id']);
    access.checkOrigin(request);
    if (request.headers.origin !== undefined) {
      request.corsOrigin = access.corsOrigin(request);
      if (request.corsOrigin !== undefined && request.method === 'OPTIONS')
        return answerPreflight(request, response);
    }
    if (openPaths.has(request.pathOnly)) return next();
    const keyId = access.checkKey(request);
    if (typeof keyId === 'string') {
      request.keyId = keyId;
      connections.admit(request);
      return next();
    }
    return keyId.then((found) => {
      request.keyId = found;
      connections.admit(request);
      next();
    });
  };
}

function answerPreflight(request: GatewayRequest, response: GatewayResponse): void {
  const headers = commonHeaders(request);
  headers.push('Access-Control-Allow-Methods', 'GET, POST, DELETE', 'Access-Control-Max-Age', '600');
  const asked = request.headers['access-control-request-headers'];
  if (typeof asked === 'string') headers.push('Access-Control-Allow-Headers', asked);
  response.writeHead(204, headers);
  response.end();
}
