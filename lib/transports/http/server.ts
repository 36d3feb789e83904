/**
 * The HTTP or HTTPS server: message classes and time-outs. It knows no route.
 *
 * L1. Half-sent requests are cut off: 10 s for the headers, 30 s for the whole request.
 * L2. How many connections there may be is not Node's to say, which drops what comes above it without a word.
 * L3. Nor how many may come at once: what does not fit into the backlog is tried again by its system after a second, and
 *     then after two.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import {
  type AddressInfo,
  createServer as createSocketServer,
  type Socket,
  type Server as SocketServer,
} from 'node:net';
import { createServer as createSecureServer } from 'node:tls';
import { type ConnectionTable, REST_MS } from './connection-table.ts';
import { type GatewayRequest, type GatewayResponse, offersWebSocket } from './gateway-message.ts';
import { serveHalfClosed } from './half-closed.ts';
import { SHARED_ALPN, shareWithHttp2 } from './http2-sharing.ts';
import { explainListenFailure } from './listen-failure.ts';
import { refuseMalformed } from './raw-problem.ts';
import type { RefusalLog } from './refusal-log.ts';

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
  /** Told of what was never a request. */
  readonly refusals: RefusalLog;
  /** Takes over the connections of HTTP/2; undefined: nobody speaks it here. */
  readonly acceptHttp2: ((socket: Socket) => void) | undefined;
}

export function newHttpServer(
  { IncomingMessage, ServerResponse, tls, connections, refusals, acceptHttp2 }: HttpServerOptions,
  listener: RequestListener<typeof GatewayRequest, typeof GatewayResponse>,
): GatewayServer {
  const options = {
    IncomingMessage,
    ServerResponse,
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    connectionsCheckingInterval: 2000,
    keepAliveTimeout: REST_MS, // for the heads of answers: the table closes who is idle
    requireHostHeader: false, // a missing Host is refused like a wrong one, with a problem document
    // read by Node versions that ask here and not the request whether an offered upgrade is taken
    shouldUpgradeCallback: offersWebSocket,
  };
  const server: GatewayServer = tls
    ? createTlsServer({ ...options, ...tls, ...(acceptHttp2 && { ALPNProtocols: SHARED_ALPN }) }, listener)
    : createServer(options, listener);
  server.on('clientError', (error, socket) => refuseMalformed(error, socket as Socket, refusals));
  serveHalfClosed(server);
  connections.watch(server);
  if (acceptHttp2) shareWithHttp2(server, tls !== undefined, acceptHttp2);
  return server;
}

/** A server of sockets, of TLS where the gateway speaks that, for HTTP/2 alone. */
export function newHttp2Server(
  tls: TlsMaterial | undefined,
  connections: ConnectionTable,
  accept: (socket: Socket) => void,
): SocketServer {
  const server = tls ? createSecureServer({ ...tls, ALPNProtocols: ['h2'] }) : createSocketServer();
  connections.watch(server);
  server.on('connection', (socket) => socket.on('error', () => socket.destroy()));
  server.on(tls ? 'secureConnection' : 'connection', accept);
  return server;
}

/** Where a listening socket outlives the process that bound it. */
export interface SocketKeeper {
  /** Node's handle of the socket that an earlier process bound, to listen on instead of host and port. */
  readonly inherited: object | undefined;
  /** Told of the server, when it has bound its socket itself. */
  keep(server: SocketServer): void;
}

/** More than Node's 511, so that a burst of thousands fits. The system takes less where its own limit is less. */
const BACKLOG = 4096;

/** Listens, and gives the address; rejects with Node's error, explained, when the port cannot be had. */
export function listen(
  server: SocketServer,
  host: string,
  port: number,
  { keeper, portFlag }: { readonly keeper?: SocketKeeper | undefined; readonly portFlag?: string } = {},
): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error) => {
      explainListenFailure(error, host, port, portFlag ? { host: '--host', port: portFlag } : undefined);
      reject(error);
    };
    server.once('error', refuse);
    const inherited = keeper?.inherited;
    server.listen(inherited ?? { host, port }, BACKLOG, () => {
      server.off('error', refuse);
      if (!inherited) keeper?.keep(server);
      resolve(server.address() as AddressInfo);
    });
  });
}
