/**
 * gRPC over node:http2, without a package: the connections of clients that speak HTTP/2, and what every RPC passes before
 * its method: Host, key, room, method.
 *
 * T1. `:authority` is checked as Host is, metadata carries the key as headers do.
 * T2. What is no gRPC is answered by HTTP statuses, all else by those of gRPC.
 */
import type { IncomingMessage } from 'node:http';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { waitForQuiet } from '../../async/wait-for-quiet.ts';
import { ToolError } from '../../call/tool-error.ts';
import { RefusalLog } from '../http/refusal-log.ts';
import { requestIdFor } from '../http/request-id.ts';
import type { TransportContext } from '../transport.ts';
import { GrpcConnection } from './connection.ts';
import { Exchange, type ExchangeContext } from './exchange.ts';
import { gatewayMethods, type Method, SERVICE } from './gateway-service.ts';
import { healthMethods } from './health.ts';
import type { GrpcOptions } from './options.ts';
import { reflectionMethods } from './reflection.ts';

const PING_MS = 30_000;
/** How long clients may take to go at the end. */
const CLOSE_MS = 2000;
/** How long the last events of calls that have ended may take to leave, in milliseconds. */
const LAST_EVENTS_MS = 1000;

interface Served {
  readonly context: TransportContext<GrpcOptions>;
  readonly exchanges: ExchangeContext;
  /** By path, those that need no key first looked up. */
  readonly openMethods: Readonly<Record<string, Method>>;
  readonly methods: Readonly<Record<string, Method>>;
  readonly refusals: RefusalLog;
}

export class GrpcServer {
  readonly #name: string;
  readonly #connections = new Set<GrpcConnection>();
  readonly #exchanges = new Set<Exchange>();
  readonly #pingMs: number;
  #heartbeat: NodeJS.Timeout | undefined;
  #stopListening: (() => void) | undefined;
  #port: number | undefined;
  #isClosing = false;

  /**
   * @param name the transport's.
   * @param pingMs time between two pings of a connection.
   */
  constructor(name: string, pingMs = PING_MS) {
    this.#name = name;
    this.#pingMs = pingMs;
  }

  open(context: TransportContext<GrpcOptions>): void {
    const { options, access, calls, limits, log, meter, news, watch, http } = context;
    const served: Served = {
      context,
      exchanges: { watch, meter, maxBodyBytes: limits.maxBodyBytes },
      openMethods: healthMethods(calls),
      methods: {
        ...gatewayMethods({ transport: this.#name, calls, limits, log, news }),
        ...reflectionMethods,
      },
      refusals: new RefusalLog(log),
    };
    this.#heartbeat = setInterval(() => {
      for (const connection of this.#connections) connection.ping();
    }, this.#pingMs).unref();
    this.#stopListening = access.onRevoked((keyIds) => this.#revoke(keyIds));
    http.http2({
      port: options.grpcPort,
      portFlag: '--grpc-port',
      endpoints: [
        { method: 'gRPC', path: `/${SERVICE}`, description: 'lists and calls tools; see mcp_gateway.proto' },
      ],
      accept: (socket) => this.#welcome(socket, served),
      bound: (port) => {
        this.#port = port;
      },
    });
  }

  /** The port of its own; undefined where it has none. */
  get port(): number | undefined {
    return this.#port;
  }

  /** Ends what is open and waits until all connections are gone. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#heartbeat);
    this.#stopListening?.();
    await waitForQuiet(
      () => [...this.#exchanges].every((exchange) => !exchange.isOpen || !exchange.owesEvents()),
      LAST_EVENTS_MS,
    );
    const leaving = new ToolError('unavailable', 'the gateway is shutting down; connect again in a moment');
    for (const exchange of this.#exchanges) exchange.fail(leaving);
    const gone = [...this.#connections].map(
      ({ socket }) =>
        new Promise<void>((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve()))),
    );
    for (const connection of this.#connections) connection.end();
    const timer = setTimeout(() => {
      for (const { socket } of this.#connections) socket.destroy();
    }, CLOSE_MS);
    await Promise.all(gone);
    clearTimeout(timer);
  }

  #welcome(socket: Socket, served: Served): void {
    if (this.#isClosing) {
      socket.destroy();
      return;
    }
    const { http, meter } = served.context;
    const connection = new GrpcConnection(socket);
    this.#connections.add(connection);
    http.adopt(socket, connection);
    meter.connections++;
    connection.session.on('stream', (stream, headers) => {
      stream.once('close', () => stream.aborted && connection.noteReset());
      this.#serve(stream, headers, connection, served);
    });
    socket.once('close', () => {
      this.#connections.delete(connection);
      meter.connections--;
    });
  }

  #serve(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    connection: GrpcConnection,
    served: Served,
  ): void {
    const { access, log } = served.context;
    const request = asRequest(headers, connection.socket);
    const address = access.addressOf(request);
    const origin = { requestId: requestIdFor(headers['x-request-id']), address };
    if (!isGrpc(headers)) return refusePlain(stream, headers);
    const exchange = new Exchange(stream, headers, origin, served.exchanges);
    const path = String(headers[':path']);
    this.#exchanges.add(exchange);
    connection.open++;
    stream.once('close', () => {
      connection.open--;
      this.#exchanges.delete(exchange);
    });
    const refuse = (thrown: unknown) => {
      const error = ToolError.from(thrown, 'internal', 'the request could not be handled');
      if (error.code === 'internal') log('error', 'an RPC could not be handled', { path, error: thrown });
      const { code, status, message: reason } = error;
      served.refusals.add({ ...origin, method: 'gRPC', route: path, code, status, reason });
      exchange.fail(error);
    };
    const serve = (keyId: string) => {
      exchange.keyId = keyId;
      connection.keyId = keyId;
      served.context.http.admit({ socket: connection.socket, keyId });
      const method = Object.hasOwn(served.methods, path) ? served.methods[path] : undefined;
      if (!method) throw new ToolError('method_not_allowed', `there is no method ${path}`);
      method(exchange);
    };
    try {
      access.checkOrigin(request);
      const open = Object.hasOwn(served.openMethods, path) ? served.openMethods[path] : undefined;
      if (open) return open(exchange);
      const keyId = access.checkKey(request);
      if (typeof keyId === 'string') serve(keyId);
      else keyId.then(serve).catch(refuse);
    } catch (thrown) {
      refuse(thrown);
    }
  }

  #revoke(keyIds: ReadonlySet<string>): void {
    const revoked = [...this.#exchanges].filter(({ keyId }) => keyIds.has(keyId));
    // Their calls are cancelled in these moments, and their clients should read so.
    setImmediate(() => {
      for (const exchange of revoked)
        exchange.fail(new ToolError('unauthenticated', 'the API key was taken away'));
    });
  }
}

const isGrpc = (headers: IncomingHttpHeaders): boolean =>
  headers[':method'] === 'POST' &&
  /^application\/grpc(?:\+proto)?(?:;|$)/.test(headers['content-type'] ?? '');

/** An answer to what is no gRPC. */
function refusePlain(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  stream.on('error', () => {});
  const [status, text] =
    headers[':method'] === 'POST'
      ? [415, 'this is gRPC: send application/grpc, or speak HTTP/1.1 for the rest of the gateway\n']
      : [
          405,
          'this is gRPC over HTTP/2, which knows POST alone; speak HTTP/1.1 for the rest of the gateway\n',
        ];
  const allow = status === 405 ? { allow: 'POST' } : {};
  stream.respond({ ':status': status, 'content-type': 'text/plain; charset=utf-8', ...allow });
  stream.end(text);
  stream.resume();
}

/** What is checked of a request, whichever protocol it came by. */
function asRequest(headers: IncomingHttpHeaders, socket: Socket): IncomingMessage {
  const authority = headers[':authority'];
  const { host } = headers;
  // A Host header beside the authority, and another, is two hosts.
  const rawHeaders = host !== undefined && authority !== undefined && host !== authority ? HOST_TWICE : [];
  const request = { headers: { ...headers, host: authority ?? host }, rawHeaders, socket };
  return request as unknown as IncomingMessage;
}

const HOST_TWICE = ['host', '', 'host', ''];
