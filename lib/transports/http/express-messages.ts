/**
 * Our message classes and Express's prototypes, in one chain.
 *
 * X1. The app is given our classes as its `request` and `response`: Express sets both prototypes on every request,
 *     which is free only when they are in place already.
 */
import express, { type Express } from 'express';
import { GatewayRequest, GatewayResponse } from './gateway-message.ts';

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
