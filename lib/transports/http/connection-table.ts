/**
 * The open connections of the listening socket: how many there are, and which is closed for another when room is short.
 *
 * C1. Whoever comes is let in: above the cap the connection that has been idle longest is closed for it, a new one
 *     last of all. Idle is what has no request under way, and a WebSocket without a call; what has sent nothing yet
 *     is idle too.
 * C2. Where none is idle, connections above the cap are taken all the same, up to a margin, until their requests tell
 *     who comes (`admit`): the key that holds the most gives up its newest for one that holds at least two fewer;
 *     without such a key the request is refused. Paths without a key (/health) are answered. Above the cap every
 *     connection closes behind its answer.
 * C3. Above four fifths of the cap no address holds more than a quarter of it, but loopback: its idle connections go
 *     first, then its new ones are closed. Behind a trusted proxy the caller's address counts, once a request told it.
 * C4. Between requests a connection costs nothing but a look a second, and an answer no timer: Node sets one after each and
 *     takes it back before the next, which takes 5 % of an echo's time on the main thread.
 * C5. Who has been idle for longer than `restMs` is closed. None is sooner: the head of its last answer says so
 *     (Keep-Alive), and who sends then would not know whether the request was taken.
 */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Access, addressGroup } from '../../access/access.ts';
import { FairShares } from '../../access/fair-shares.ts';
import { isLoopbackName } from '../../access/host-and-origin.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { TransportMeter } from '../rendering/transport-meter.ts';
import type { GatewayRequest, GatewayResponse, HttpSocket } from './gateway-message.ts';

/** A connection that speaks another protocol by now, as its owner knows it. */
export interface UpgradedConnection {
  readonly keyId: string;
  /** Whether it may be closed without a loss. */
  isIdle(): boolean;
  /** Closes it because room is short. */
  end(): void;
}

export interface ConnectionTableOptions {
  readonly max: number;
  /** Counts the open connections. */
  readonly meter: TransportMeter;
  /** Finds out where a request comes from. */
  readonly access: Pick<Access, 'addressOf'>;
  /** How long a connection may be idle, in milliseconds. Default: REST_MS. */
  readonly restMs?: number;
}

/** Above the 60 s after which load balancers give an idle connection up, so that none is used again while we close it. */
export const REST_MS = 65_000;
/** How often is looked for those that are idle, in that time. */
const LOOKS = 65;

interface Connection {
  socket: HttpSocket;
  /** IPv6 addresses of one subscriber as one. */
  address: string;
  /** When it was last seen with a request, or to have sent anything, by `performance.now()`. */
  lastUsed: number;
  /** What it had sent by then. */
  bytesRead: number;
  upgraded: UpgradedConnection | undefined;
  /** Whether it was told to close. */
  isLeaving: boolean;
}

/** Of the cap, where the shares of addresses begin to count, and what one of them may have then. */
const SHORT = 0.8;
const ADDRESS_SHARE = 0.25;
/** Of the cap, what may be open above it for a moment. */
const MARGIN = 1 / 16;
const LEAST_MARGIN = 8;
/** Of the cap, how many idle connections are closed at a time: looking for them is not for each that comes. */
const BATCH = 1 / 128;

/** In place of the method of a socket by which Node's server ends those that are idle (C4). */
function setNoTimeout<S extends Socket>(this: S): S {
  return this;
}

export class ConnectionTable {
  readonly #options: ConnectionTableOptions;
  readonly #perAddress: number;
  readonly #restMs: number;
  /** Oldest first. */
  readonly #open = new Set<Connection>();
  readonly #bySocket = new WeakMap<Socket, Connection>();
  readonly #addresses = new Map<string, number>();
  /** Connections that were told to close and have not yet. */
  #leaving = 0;
  /** Runs while there are connections. */
  #looking: NodeJS.Timeout | undefined;

  constructor(options: ConnectionTableOptions) {
    this.#options = options;
    this.#perAddress = Math.ceil(options.max * ADDRESS_SHARE);
    this.#restMs = options.restMs ?? REST_MS;
  }

  /** Counts the connections of a server from now on. */
  watch(server: EventEmitter): void {
    server.on('connection', (socket: Socket) => this.#arrive(socket));
    server.on('secureConnection', (secure: TLSSocket & { readonly _parent?: Socket }) => {
      const connection = secure._parent && this.#bySocket.get(secure._parent);
      if (!connection) return;
      connection.socket = secure;
      this.#bySocket.set(secure, connection);
      secure.setMaxListeners(0);
      secure.setTimeout = setNoTimeout;
    });
  }

  /** From now on its owner says whether the connection is idle, and how it is closed. */
  adopt(socket: Socket, upgraded: UpgradedConnection): void {
    const connection = this.#bySocket.get(socket);
    if (connection) connection.upgraded = upgraded;
  }

  /**
   * Finds room for a request whose caller is known, where there are more connections than may be (C2).
   * @throws {ToolError} overloaded
   */
  admit({ socket, keyId }: Pick<GatewayRequest, 'socket' | 'keyId'>): void {
    if (this.#staying() <= this.#options.max) return;
    const own = this.#bySocket.get(socket);
    if (own && this.#closeIdle(own, 1) > 0) return;
    const shares = new FairShares();
    const busy = [...this.#open].filter((one) => one !== own && !one.isLeaving);
    for (const one of busy) shares.add(keyOf(one));
    const greediest = shares.whoYieldsTo(keyId);
    const newest = busy.findLast((one) => greediest !== undefined && keyOf(one) === greediest);
    if (!newest) {
      const text = `the gateway has ${this.#options.max} connections in use (MAX_CONNECTIONS)`;
      throw new ToolError('overloaded', text, { retryAfterMs: 1000 });
    }
    this.#close(newest);
  }

  /** A method: V8 calls a private getter by its runtime. */
  #staying(): number {
    return this.#open.size - this.#leaving;
  }

  #arrive(socket: Socket): void {
    const { max, meter } = this.#options;
    socket.setMaxListeners(0); // each answer under way listens, and a client may pipeline many requests
    socket.setTimeout = setNoTimeout;
    const connection: Connection = {
      socket,
      address: addressGroup((socket.remoteAddress ?? '').replace(/^::ffff:/, '')),
      lastUsed: performance.now(),
      bytesRead: 0,
      upgraded: undefined,
      isLeaving: false,
    };
    this.#open.add(connection);
    this.#bySocket.set(socket, connection);
    this.#count(connection.address, 1);
    meter.connections++;
    socket.once('close', () => {
      this.#open.delete(connection);
      if (connection.isLeaving) this.#leaving--;
      this.#count(connection.address, -1);
      meter.connections--;
      if (this.#open.size > 0) return;
      clearInterval(this.#looking);
      this.#looking = undefined;
    });
    this.#looking ??= setInterval(() => this.#look(), this.#restMs / LOOKS).unref();
    if (this.#isGreedy(connection.address) && this.#closeIdle(connection, 1, connection.address) === 0)
      socket.destroy();
    else if (this.#staying() > max && this.#closeIdle(connection, Math.ceil(max * BATCH)) === 0) {
      if (this.#open.size > max + Math.max(LEAST_MARGIN, max * MARGIN)) socket.destroy();
    }
  }

  /** A request has come. To be told of each before it is answered. */
  noteRequest(request: GatewayRequest, response: GatewayResponse): void {
    const connection = this.#bySocket.get(request.socket);
    if (!connection) return;
    connection.lastUsed = performance.now();
    if (request.headers['x-forwarded-for'] !== undefined) this.#learnAddress(connection, request);
    if (this.#staying() > this.#options.max) response.shouldKeepAlive = false;
  }

  #learnAddress(connection: Connection, request: GatewayRequest): void {
    const address = addressGroup(this.#options.access.addressOf(request));
    if (address === connection.address) return;
    this.#count(connection.address, -1);
    this.#count(address, 1);
    connection.address = address;
    if (this.#isGreedy(address)) this.#closeIdle(connection, 1, address);
  }

  #isGreedy(address: string): boolean {
    if (this.#open.size <= this.#options.max * SHORT || isLoopbackName(address)) return false;
    return (this.#addresses.get(address) ?? 0) > this.#perAddress;
  }

  /** Closes up to `most` connections, those that have been idle longest. @returns how many there were. */
  #closeIdle(but: Connection, most: number, address?: string): number {
    const idle: Connection[] = [];
    for (const one of this.#open) {
      if (one === but || one.isLeaving || (address !== undefined && one.address !== address)) continue;
      if (isIdle(one)) idle.push(one);
    }
    if (idle.length > most) idle.sort((a, b) => a.lastUsed - b.lastUsed);
    for (const one of idle.slice(0, most)) this.#close(one);
    return Math.min(idle.length, most);
  }

  #close(connection: Connection): void {
    connection.isLeaving = true;
    this.#leaving++;
    if (connection.upgraded) connection.upgraded.end();
    else connection.socket.destroy();
  }

  #count(address: string, change: 1 | -1): void {
    const count = (this.#addresses.get(address) ?? 0) + change;
    if (count > 0) this.#addresses.set(address, count);
    else this.#addresses.delete(address);
  }

  /** Looks which connections are in use, and closes those that have not been for too long. */
  #look(): void {
    const now = performance.now();
    // A look ago it may still have been in use.
    const restedSince = now - this.#restMs - this.#restMs / LOOKS;
    for (const one of this.#open) {
      if (isUsed(one)) one.lastUsed = now;
      else if (one.lastUsed < restedSince && !one.upgraded && !one.isLeaving) this.#close(one);
    }
  }
}

/** Whether it is in use, or has sent anything since it was asked last. */
function isUsed(connection: Connection): boolean {
  if (!isIdle(connection)) return true;
  const { bytesRead } = connection.socket;
  const hasSent = bytesRead !== connection.bytesRead;
  connection.bytesRead = bytesRead;
  return hasSent;
}

const isIdle = ({ socket, upgraded }: Connection): boolean =>
  upgraded ? upgraded.isIdle() : !socket._httpMessage;

const keyOf = ({ socket, upgraded }: Connection): string =>
  upgraded?.keyId ?? socket._httpMessage?.req.keyId ?? '';
