/**
 * The listening socket: the server, the Express app, the guard, and what transports registered there. It is a host and
 * no transport: it knows that there are routes, formats and upgrades, and not whose.
 *
 * H1. What is registered is final when the socket is bound.
 */
import type { AddressInfo, Socket, Server as SocketServer } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import express from 'express';
import type { Access } from '../../access/access.ts';
import { Tickets } from '../../access/tickets.ts';
import type { Peers } from '../../call/peers.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { Calls } from '../../dispatch/calls.ts';
import type { TransportLog } from '../rendering/transport-log.ts';
import { newTransportMeter, type TransportMeter } from '../rendering/transport-meter.ts';
import type { TransportLimits } from '../transport.ts';
import { callRoutes } from './call-route.ts';
import { ConnectionTable, type UpgradedConnection } from './connection-table.ts';
import { directRoutes } from './direct-routes.ts';
import type { Endpoint } from './endpoint.ts';
import { chainMessages } from './express-messages.ts';
import { addRoutes } from './express-routes.ts';
import type { GatewayRequest } from './gateway-message.ts';
import { OpenPaths } from './open-paths.ts';
import { type GatewayPages, pageRoutes } from './pages.ts';
import { PathPattern } from './path-pattern.ts';
import { refuseTunnel } from './raw-problem.ts';
import { RefusalLog } from './refusal-log.ts';
import type {
  AnswerFormat,
  Http2Acceptor,
  HttpRegistration,
  HttpRoute,
  Mount,
  UpgradeRoute,
} from './registration.ts';
import { requestGuard } from './request-guard.ts';
import { refuseThrown } from './response.ts';
import {
  type GatewayServer,
  listen,
  newHttp2Server,
  newHttpServer,
  type SocketKeeper,
  type TlsMaterial,
} from './server.ts';
import { ticketRoutes } from './ticket-route.ts';
import { toolRoutes } from './tool-route.ts';
import { plainRoute, UpgradeRouter } from './upgrade-router.ts';

/** How long answers that are complete may take to leave after the last call has ended. */
const LAST_BYTES_MS = 1000;
/** A mount's, among those that are taken. */
const EVERY_METHOD = 'every method of';

export interface HttpHostOptions {
  readonly calls: Calls;
  readonly access: Access;
  readonly pages: GatewayPages;
  readonly log: TransportLog;
  readonly limits: TransportLimits;
  readonly maxConnections: number;
  readonly tls?: TlsMaterial;
  /** Other gateways that take the tickets of this one. */
  readonly peers?: Peers | undefined;
}

export class HttpHost implements HttpRegistration {
  readonly #options: HttpHostOptions;
  readonly #routes: HttpRoute[] = [];
  readonly #mounts: Mount[] = [];
  readonly #formats: AnswerFormat[] = [];
  readonly #upgrades: UpgradeRoute[] = [];
  #http2: Http2Acceptor | undefined;
  #http2Server: SocketServer | undefined;
  /** What is registered, so that nobody's path hides another's. */
  readonly #taken = new Map<string, Set<string>>();
  #welcome: string | undefined;
  #meter = newTransportMeter();
  #endpoints: readonly Endpoint[] = [];
  #server: GatewayServer | undefined;
  #connections: ConnectionTable | undefined;

  constructor(options: HttpHostOptions) {
    this.#options = options;
    const overview = { endpoints: () => this.#endpoints, welcome: () => this.#welcome };
    for (const route of pageRoutes(options.pages, options.access, overview)) this.route(route);
  }

  route(route: HttpRoute): void {
    if (route.isOpen && route.path.includes(':'))
      throw new ToolError('invalid_arguments', `${route.path} has a variable segment and cannot be open`);
    this.#take(route.path, route.method);
    this.#routes.push(route.showsAll ? this.#guarded(route) : route);
  }

  mount(mount: Mount): void {
    this.#take(mount.path, EVERY_METHOD);
    this.#mounts.push(mount);
  }

  format(format: AnswerFormat): void {
    this.#take(format.mediaType, `the format of a ${format.takes ?? 'call'}`);
    this.#formats.push(format);
  }

  upgrade(upgrade: UpgradeRoute): void {
    this.#take(upgrade.path, 'GET');
    this.#upgrades.push(upgrade);
  }

  welcome(path: string): void {
    this.#welcome = path;
  }

  http2(acceptor: Http2Acceptor): void {
    this.#take('HTTP/2', EVERY_METHOD);
    this.#http2 = acceptor;
  }

  countConnections(meter: TransportMeter): void {
    this.#meter = meter;
  }

  adopt(socket: Socket, upgraded: UpgradedConnection): void {
    this.#connections?.adopt(socket, upgraded);
  }

  admit(request: Pick<GatewayRequest, 'socket' | 'keyId'>): void {
    this.#connections?.admit(request);
  }

  /** What can be asked, once the socket is bound. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  /** Undefined before `listen`. */
  get server(): GatewayServer | undefined {
    return this.#server;
  }

  /** @returns the bound address; rejects with Node's error, explained, when the port cannot be had. */
  async listen(host: string, port: number, keeper?: SocketKeeper): Promise<AddressInfo> {
    const { log } = this.#options;
    const server = this.#newServer();
    await this.#listenForHttp2(host);
    const address = await listen(server, host, port, { keeper }).catch((error: unknown) => {
      this.#http2Server?.close();
      throw error;
    });
    this.#server = server;
    // Without a listener a connection that cannot be taken (no file descriptors left) would end the process.
    server.on('error', (error) => log('error', 'a connection could not be taken', { error }));
    return address;
  }

  /** On the port of its own, where it has one. */
  async #listenForHttp2(host: string): Promise<void> {
    const { tls, log } = this.#options;
    if (!this.#http2 || this.#http2.port === null || !this.#connections) return;
    const { port, portFlag, accept } = this.#http2;
    const server = newHttp2Server(tls, this.#connections, accept);
    const address = await listen(server, host, port, { portFlag });
    server.on('error', (error) => log('error', 'a connection could not be taken', { error }));
    this.#http2Server = server;
    this.#http2.bound(address.port);
  }

  /** Speaks TLS with another certificate from now on; connections that are open keep the one they have. */
  renewTls({ cert, key }: TlsMaterial): void {
    for (const server of [this.#server, this.#http2Server])
      if (server instanceof TlsServer) server.setSecureContext({ cert, key });
  }

  /** Stops listening and drops, after a moment, what is still open. */
  async close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#http2Server?.close();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const timer = setTimeout(() => server.closeAllConnections(), LAST_BYTES_MS);
    await closed;
    clearTimeout(timer);
  }

  #guarded(route: HttpRoute): HttpRoute {
    const { access } = this.#options;
    return {
      ...route,
      handle(request, response) {
        access.checkStats(request.keyId);
        return route.handle(request, response);
      },
    };
  }

  #take(path: string, method: string): void {
    const what = `${method} ${path}`;
    if (this.#server) throw new ToolError('conflict', `${what} is registered too late: the socket is bound`);
    const taken = this.#taken.get(path) ?? new Set();
    if (taken.has(method) || taken.has(EVERY_METHOD) || (method === EVERY_METHOD && taken.size > 0))
      throw new ToolError('conflict', `${what} is registered twice`);
    this.#taken.set(path, taken.add(method));
  }

  #newServer(): GatewayServer {
    const { access, calls, limits, log, maxConnections, tls, peers } = this.#options;
    const formats = this.#formats.sort((a, b) => a.preference - b.preference);
    for (const route of toolRoutes(formats, { calls, limits })) this.route(route);
    const streams = formats.filter((format) => format.streams);
    const tickets = new Tickets(undefined, peers);
    access.onRevoked((keyIds) => tickets.revoke(keyIds));
    const context = { calls, limits, tickets };
    for (const route of [...ticketRoutes(streams, context), ...callRoutes(streams, context)])
      this.route(route);
    const routes = [...this.#routes, ...this.#upgrades.map((upgrade) => plainRoute(upgrade, calls))];
    const app = express();
    app.disable('x-powered-by').disable('etag').enable('case sensitive routing').enable('strict routing');
    const messages = chainMessages(app);
    const all = [...routes, ...this.#mounts];
    const openPaths = new OpenPaths(all.filter(({ isOpen }) => isOpen).map(({ path }) => path));
    const keepsSlash = new Set(all.map(({ path }) => path).filter((path) => path.endsWith('/')));
    const connections = new ConnectionTable({ max: maxConnections, meter: this.#meter, access });
    this.#connections = connections;
    const refusals = new RefusalLog(log);
    const onRefused: GatewayRequest['onRefused'] = (request, code, status, reason) => {
      const { requestId, address, method, pathOnly: route } = request;
      refusals.add({ requestId, address, method, route, code, status, reason });
    };
    const takesTicket = pathsThatTakeTickets(routes);
    const refuse = refuseThrown(log);
    const checks = { access, connections, openPaths, keepsSlash, takesTicket, tickets, onRefused };
    const listener = requestGuard(checks, directRoutes(routes, this.#mounts, app, refuse), refuse);
    addRoutes(app, { routes, mounts: this.#mounts, calls, refuse });
    const http2 = this.#http2;
    this.#endpoints = [...endpointsOf(routes, this.#mounts, this.#upgrades), ...(http2?.endpoints ?? [])];

    const acceptHttp2 = http2?.port === null ? http2.accept : undefined;
    const server = newHttpServer({ ...messages, tls, connections, refusals, acceptHttp2 }, listener);
    server.on('checkContinue', (request, response) => {
      request.awaitsContinue = true;
      listener(request, response);
    });
    server.on('checkExpectation', listener); // an expectation that is not known here is no reason to refuse
    const upgrades = new UpgradeRouter([...this.#upgrades, ...upgradesOf(this.#mounts)], {
      ...{ access, calls, connections, keepsSlash, log, onRefused },
    });
    server.on('connect', (request, socket) => {
      request.address = access.addressOf(request);
      request.onRefused = onRefused;
      refuseTunnel(request, socket as Socket);
    });
    server.on('upgrade', (request, socket, head) => void upgrades.route(request, socket as Socket, head));
    return server;
  }
}

/** The WebSockets of paths whose other requests a module answers too. */
const upgradesOf = (mounts: readonly Mount[]): readonly UpgradeRoute[] =>
  mounts.flatMap(({ path, upgrade: handle }) => (handle ? [{ path, description: '', handle }] : []));

/** A way to tell, before there are parameters, whether a path is one of such a route. */
function pathsThatTakeTickets(routes: readonly HttpRoute[]): (path: string) => boolean {
  const patterns = routes.filter(({ takesTicket }) => takesTicket).map(({ path }) => new PathPattern(path));
  return (path) => patterns.some((pattern) => pattern.fits(path));
}

/** Everything that can be asked, as `GET /` lists it. */
function endpointsOf(
  routes: readonly HttpRoute[],
  mounts: readonly Mount[],
  upgrades: readonly UpgradeRoute[],
): readonly Endpoint[] {
  const sockets = new Set(upgrades.map(({ path }) => path));
  return [
    ...routes.map(({ method, path, description }) => ({
      method: sockets.has(path) ? 'WS' : method,
      path: path.replace(/:(\w+)/g, '{$1}'),
      description,
    })),
    ...mounts.flatMap((mount) => mount.endpoints),
  ];
}
