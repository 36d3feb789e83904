/**
 * The HTTP or HTTPS server: message classes, time-outs and caps on connections. It knows no route.
 *
 * L1. Half-sent requests are cut off: 10 s for the headers, 30 s for the whole request.
 * L2. No address but loopback may hold more than a quarter of the connections.
 */
import type { EventEmitter } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { isLoopbackName } from '../../access/host-and-origin.ts';
import type { TransportMeter } from '../rendering/transport-meter.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import { serveHalfClosed } from './half-closed.ts';
import { refuseMalformed } from './raw-problem.ts';

export interface TlsMaterial {
  /** PEM text. */
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

export type GatewayServer = Server<typeof GatewayRequest, typeof GatewayResponse>;

export interface HttpServerOptions {
  readonly IncomingMessage: typeof GatewayRequest;
  readonly ServerResponse: typeof GatewayResponse;
  readonly tls: TlsMaterial | undefined;
  readonly maxConnections: number;
  /** Counts the open connections. */
  readonly meter: TransportMeter;
}

export function newHttpServer(
  { IncomingMessage, ServerResponse, tls, maxConnections, meter }: HttpServerOptions,
  listener: RequestListener<typeof GatewayRequest, typeof GatewayResponse>,
): GatewayServer {
  const options = {
    IncomingMessage,
    ServerResponse,
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    connectionsCheckingInterval: 2000,
    // above the 60 s after which load balancers give a connection up, so that none is reused while we close it
    keepAliveTimeout: 65_000,
    requireHostHeader: false, // a missing Host is refused like a wrong one, with a problem document
    // read by Node versions that ask here and not the request whether an offered upgrade is taken
    shouldUpgradeCallback: (request: GatewayRequest) =>
      request.headers.upgrade?.toLowerCase() === 'websocket',
  };
  const server: GatewayServer = tls
    ? createTlsServer({ ...options, cert: tls.cert, key: tls.key }, listener)
    : createServer(options, listener);
  server.on('clientError', (error, socket) => refuseMalformed(error, socket as Socket));
  server.maxConnections = maxConnections;
  serveHalfClosed(server);
  capConnections(server, Math.ceil(maxConnections / 4), meter);
  return server;
}

/** Counts connections, and drops those above `perAddress` of one address at once. */
export function capConnections(server: EventEmitter, perAddress: number, meter: TransportMeter): void {
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const count = (open.get(address) ?? 0) + 1;
    open.set(address, count);
    meter.connections++;
    socket.setMaxListeners(0); // each answer under way listens, and a client may pipeline many requests
    socket.once('close', () => {
      meter.connections--;
      const left = (open.get(address) ?? 1) - 1;
      if (left === 0) open.delete(address);
      else open.set(address, left);
    });
    if (count > perAddress && !isLoopbackName(address.replace(/^::ffff:/, ''))) socket.destroy();
  });
}

/** Listens, and gives the address; rejects when the port cannot be had. */
export function listen(server: GatewayServer, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve(server.address() as AddressInfo);
    });
  });
}
