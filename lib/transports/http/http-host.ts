/**
 * Puts the HTTP doors together: server, Express app, guard, routes, mounted modules and the WebSocket door.
 */

import type { AddressInfo } from 'node:net';
import express, { type RequestHandler } from 'express';
import type { Access } from '../../access/access.ts';
import type { Dispatcher } from '../../dispatch/dispatcher.ts';
import { StreamWatch } from '../rendering/stream-watch.ts';
import type { TransportLog } from '../rendering/transport-log.ts';
import { newTransportMeters, type TransportMeters } from '../rendering/transport-meters.ts';
import { WebSocketDoor } from '../websocket/websocket-transport.ts';
import type { Endpoint } from './endpoint.ts';
import { addRoutes, type GatewayPages, type Mount, openPathsOf } from './express-routes.ts';
import { chainMessages } from './gateway-message.ts';
import { requestGuard } from './request-guard.ts';
import { type GatewayServer, listen, newHttpServer, type TlsMaterial } from './server.ts';

/** How long answers that are complete may take to leave after the last call has ended. */
const LAST_BYTES_MS = 1000;

export interface HttpTransportOptions {
  readonly dispatcher: Dispatcher;
  readonly access: Access;
  readonly pages: GatewayPages;
  readonly log: TransportLog;
  readonly maxBodyBytes: number;
  readonly maxResultBytes: number;
  readonly repeatBytes: number;
  readonly socketCalls: number;
  readonly maxConnections: number;
  readonly streamStallMs: number;
  readonly tls?: TlsMaterial;
  /** Other modules' paths, `/mcp` above all. */
  readonly mounts?: readonly Mount[];
  /** Made by the caller when mounted modules count and watch their own streams. */
  readonly meters?: TransportMeters;
  readonly watch?: StreamWatch;
  /** Silence after which an SSE stream gets a comment. */
  readonly heartbeatMs?: number;
  /** Wait after which a stream sends its head though its tool has not started. */
  readonly headDelayMs?: number;
  /** Time between two pings of a WebSocket. */
  readonly pingMs?: number;
}

export interface HttpTransport {
  readonly server: GatewayServer;
  readonly meters: TransportMeters;
  readonly endpoints: readonly Endpoint[];
  /** @returns the bound address; rejects with Node's error when the port cannot be had. */
  listen(host: string, port: number): Promise<AddressInfo>;
  /** Stops listening, says goodbye to WebSocket clients and drops what is still open. */
  close(): Promise<void>;
}

export function createHttpTransport(options: HttpTransportOptions): HttpTransport {
  const { access, dispatcher, log, mounts = [], meters = newTransportMeters() } = options;
  const { heartbeatMs = 15_000, headDelayMs = 1000, pingMs = 30_000 } = options;
  const watch = options.watch ?? new StreamWatch({ heartbeatMs, stallMs: options.streamStallMs });

  const app = express();
  app.disable('x-powered-by').disable('etag').enable('case sensitive routing').enable('strict routing');
  const messages = chainMessages(app);
  app.use(requestGuard(access, openPathsOf(mounts)) as unknown as RequestHandler);
  const endpoints = addRoutes(app, { ...options, watch, meters, mounts, headDelayMs });

  const { tls, maxConnections } = options;
  const server = newHttpServer({ ...messages, tls, maxConnections, meter: meters.http }, app);
  server.on('checkContinue', (request, response) => {
    request.awaitsContinue = true;
    app(request, response);
  });
  server.on('checkExpectation', app); // an expectation that is not known here is no reason to refuse
  const { socketCalls, maxBodyBytes, repeatBytes, maxResultBytes } = options;
  const limits = { socketCalls, maxBodyBytes, repeatBytes, maxResultBytes };
  const context = { dispatcher, access, watch, log, limits, meter: meters.websocket };
  const sockets = new WebSocketDoor(server, context, pingMs);

  return {
    server,
    meters,
    endpoints,
    async listen(host, port) {
      const address = await listen(server, host, port);
      // Without a listener a connection that cannot be taken (no file descriptors left) would end the process.
      server.on('error', (error) => log('error', 'a connection could not be taken', { error }));
      return address;
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const timer = setTimeout(() => server.closeAllConnections(), LAST_BYTES_MS);
      await sockets.close();
      await closed;
      clearTimeout(timer);
    },
  };
}
