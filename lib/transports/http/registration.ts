/**
 * What transports may serve on the gateway's listening socket. The socket checks Host, Origin and key, knows which
 * paths and methods there are, and refuses the rest; who registers gets what is his.
 *
 * R1. Registered before the socket is bound, and once each: the second of one path and method is refused.
 * R2. Nothing here reaches Express's types (transport.ts, T2).
 */
import type { Socket } from 'node:net';
import type { RunningCall } from '../../call/running-call.ts';
import type { TransportMeter } from '../rendering/transport-meter.ts';
import type { UpgradedConnection } from './connection-table.ts';
import type { Endpoint } from './endpoint.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';

/** May throw, or reject with, a ToolError: it is answered as a problem document. */
export type HttpHandle = (request: GatewayRequest, response: GatewayResponse) => unknown;

/** One method of a path. Other methods of the path are answered 405. */
export interface HttpRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** `/:word` stands for one segment; a segment `:name` is a tool's name, and an unknown one is answered 404. */
  readonly path: string;
  /** In a few words, for `GET /`. */
  readonly description: string;
  /** True: no key is needed. Only for paths without `:`. Default: false. */
  readonly isOpen?: boolean;
  /** True: it shows the whole gateway, which a key that is limited to some tools sees only where its entry says so. */
  readonly showsAll?: boolean;
  /** True: a ticket in the query may stand for the key, for GET; such a request is never another site's. Default: false. */
  readonly takesTicket?: boolean;
  readonly handle: HttpHandle;
}

/** A path whose every method one module answers. */
export interface Mount {
  /** One that ends in `/*` stands for everything below it that no other path is registered for. */
  readonly path: string;
  /** True: the module checks the key itself, or needs none. Default: false. */
  readonly isOpen?: boolean;
  readonly endpoints: readonly Endpoint[];
  handle(request: GatewayRequest, response: GatewayResponse): unknown;
  /** Takes WebSockets at its path, as `UpgradeRoute.handle` does. Absent: there are none. */
  readonly upgrade?: UpgradeRoute['handle'];
}

/**
 * A way to answer `POST /tools/{name}` and, where it streams, `/tools/{name}/stream`; the Accept header chooses. One that
 * takes bare arguments answers `POST /api/{name}`.
 */
export interface AnswerFormat {
  /** The transport that such a call came through. */
  readonly transport: string;
  readonly mediaType: string;
  /** What people call it, for `GET /`. */
  readonly label: string;
  /** Where a client likes several formats equally well, the lowest wins. */
  readonly preference: number;
  /** False: the answer is one document, with the list of chunks in it. */
  readonly streams: boolean;
  /** What the body is: a call with its options, or the tool's arguments alone. Default: `call`. */
  readonly takes?: 'call' | 'arguments';
  /** Answers with the call, which has just started; called for its effect, and not awaited. */
  serve(request: GatewayRequest, response: GatewayResponse, call: RunningCall): void;
}

/** A path of WebSockets. A plain request to it is answered 426, and so is a handshake of another version than 13. */
export interface UpgradeRoute {
  /** As a route's. */
  readonly path: string;
  readonly description: string;
  /**
   * Takes the socket over. `request` has `keyId` and `params`; a tool that `:name` stands for is there. A ToolError thrown before anything is written is
   * answered as a problem document; the socket has its error listener.
   */
  handle(request: GatewayRequest, socket: Socket, head: Buffer): void | Promise<void>;
}

/** Who speaks HTTP/2. */
export interface Http2Acceptor {
  /** A port of HOST for HTTP/2 alone; null: the gateway's own, where it is told apart from HTTP/1.1. */
  readonly port: number | null;
  /** The flag that sets that port, for an error that names it. */
  readonly portFlag: string;
  readonly endpoints: readonly Endpoint[];
  /** Takes a connection over whose client begins with the preface of HTTP/2, or chose it by ALPN. */
  accept(socket: Socket): void;
  /** Told of a port of its own, once it is bound. */
  bound(port: number): void;
}

export interface HttpRegistration {
  /** @throws {ToolError} `conflict`, like the others here, when another transport has registered it (R1). */
  route(route: HttpRoute): void;
  mount(mount: Mount): void;
  format(format: AnswerFormat): void;
  upgrade(route: UpgradeRoute): void;
  /** Where a browser goes that asks for `/`. */
  welcome(path: string): void;
  /** One transport at most. */
  http2(acceptor: Http2Acceptor): void;
  /** From now on the owner of an upgraded socket says whether it is idle, and closes it when room is short. */
  adopt(socket: Socket, upgraded: UpgradedConnection): void;
  /**
   * For mounts that check the key themselves: finds room for a request whose `keyId` is set.
   * @throws {ToolError} overloaded, when all connections are in use and no key has to yield one.
   */
  admit(request: Pick<GatewayRequest, 'socket' | 'keyId'>): void;
  /** Counts the open connections of the socket in this meter. */
  countConnections(meter: TransportMeter): void;
}
