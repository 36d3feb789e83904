/**
 * The HTTP or HTTPS server: message classes and time-outs. It knows no route.
 *
 * L1. Half-sent requests are cut off: 10 s for the headers, 30 s for the whole request.
 * L2. How many connections there may be is not Node's to say, which drops what comes above it without a word.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket, Server as SocketServer } from 'node:net';
import type { ConnectionTable } from './connection-table.ts';
import { type GatewayRequest, type GatewayResponse, offersWebSocket } from './gateway-message.ts';
import { serveHalfClosed } from './half-closed.ts';
import { explainListenFailure } from './listen-failure.ts';
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
  /** Watches over those of the server. */
  readonly connections: ConnectionTable;
}

export function newHttpServer(
  { IncomingMessage, ServerResponse, tls, connections }: HttpServerOptions,
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
    shouldUpgradeCallback: offersWebSocket,
  };
  const server: GatewayServer = tls
    ? createTlsServer({ ...options, cert: tls.cert, key: tls.key }, listener)
    : createServer(options, listener);
  server.on('clientError', (error, socket) => refuseMalformed(error, socket as Socket));
  serveHalfClosed(server);
  connections.watch(server);
  return server;
}

/** Where a listening socket outlives the process that bound it. */
export interface SocketKeeper {
  /** Node's handle of the socket that an earlier process bound, to listen on instead of host and port. */
  readonly inherited: object | undefined;
  /** Told of the server, when it has bound its socket itself. */
  keep(server: SocketServer): void;
}

/** Listens, and gives the address; rejects with Node's error, explained, when the port cannot be had. */
export function listen(
  server: GatewayServer,
  host: string,
  port: number,
  keeper?: SocketKeeper,
): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error) => {
      explainListenFailure(error, host, port);
      reject(error);
    };
    server.once('error', refuse);
    const inherited = keeper?.inherited;
    server.listen(inherited ?? { host, port }, () => {
      server.off('error', refuse);
      if (!inherited) keeper?.keep(server);
      resolve(server.address() as AddressInfo);
    });
  });
}
