/**
 * The request and response classes of the HTTP server.
 *
 * G1. Their prototypes chain to Express's own, and the app is given them as its `request` and `response`: Express
 *     sets both prototypes on every request, which is free only when they are in place already.
 * G2. `upgrade` is true for WebSocket alone. With an upgrade listener Node would hand over every request that
 *     offers an upgrade, and Java's HTTP client offers h2c with each of its first requests.
 * G3. Headers common to all answers live in fields until `writeHead`, since `setHeader` slows every response.
 */
import { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Express } from 'express';

export class GatewayRequest extends IncomingMessage {
  /** The client's X-Request-Id, or ours. */
  requestId = '';
  /** Who calls; empty on routes that need no key. */
  keyId = '';
  /** Set when the request comes from a page of CORS_ORIGINS. */
  corsOrigin: string | undefined = undefined;
  /** True while the client waits for `100 Continue` before it sends its body. */
  awaitsContinue = false;
  /** Path parameters, set by the router. */
  declare params: Readonly<Record<string, string>>;
  declare private offersUpgrade: boolean | null;

  /** Node sets this and reads it back before it emits 'upgrade'. */
  get upgrade(): boolean {
    if (!this.offersUpgrade) return false;
    return this.method === 'CONNECT' || this.headers.upgrade?.toLowerCase() === 'websocket';
  }

  set upgrade(offered: boolean | null) {
    this.offersUpgrade = offered;
  }

  /** The path without its query, which may hold a key. */
  get pathOnly(): string {
    const url = this.url ?? '/';
    const query = url.indexOf('?');
    return query < 0 ? url : url.slice(0, query);
  }
}

export class GatewayResponse extends ServerResponse<GatewayRequest> {}

/** Chains both classes to an Express app; gives what the HTTP server is to be made with. */
export function chainMessages(app: Express): {
  readonly IncomingMessage: typeof GatewayRequest;
  readonly ServerResponse: typeof GatewayResponse;
} {
  // Classes of this app's own, because Express reads `req.app` from the prototype.
  class AppRequest extends GatewayRequest {}
  class AppResponse extends GatewayResponse {}
  Object.setPrototypeOf(GatewayRequest.prototype, express.request);
  Object.setPrototypeOf(GatewayResponse.prototype, express.response);
  const appProperty = { configurable: true, enumerable: true, writable: true, value: app };
  Object.defineProperty(AppRequest.prototype, 'app', appProperty);
  Object.defineProperty(AppResponse.prototype, 'app', appProperty);
  app.request = AppRequest.prototype as unknown as Express['request'];
  app.response = AppResponse.prototype as unknown as Express['response'];
  return { IncomingMessage: AppRequest, ServerResponse: AppResponse };
}
