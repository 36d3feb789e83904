/**
 * `/ws/tools/{name}`: upgrades what asks for a tool, keeps the sockets alive, and closes them at the end.
 *
 * D1. Host, Origin and key were checked before; what is refused here is refused before the upgrade.
 * D2. A client pongs within two heartbeats or is dropped; one that is behind with reading is judged by that instead.
 */
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { WEBSOCKET_SUBPROTOCOL } from '../../access/presented-key.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { Calls } from '../../dispatch/calls.ts';
import type { GatewayRequest } from '../http/gateway-message.ts';
import { refuseUpgrade } from '../http/raw-problem.ts';
import type { Transport, TransportContext } from '../transport.ts';
import { type ChannelContext, STALLED_CLOSE_MS, WebSocketChannel } from './websocket-channel.ts';

const SERVER_OPTIONS = {
  noServer: true,
  perMessageDeflate: false, // 24 times the CPU for small messages, and memory for each socket
  clientTracking: false,
  /** The longest that a client may take to answer our close, in milliseconds; the channel mostly has less patience. */
  closeTimeout: STALLED_CLOSE_MS,
  handleProtocols: (offered: Set<string>) =>
    offered.has(WEBSOCKET_SUBPROTOCOL) ? WEBSOCKET_SUBPROTOCOL : (false as const),
};

const newServer = (maxPayload: number) => {
  const server = new WebSocketServer<typeof WebSocket, typeof GatewayRequest>({
    ...SERVER_OPTIONS,
    maxPayload,
  });
  server.on('headers', (headers, request) => headers.push(`X-Request-Id: ${request.requestId}`));
  server.on('wsClientError', (error, socket, request) => {
    const reason = `no WebSocket handshake: ${error.message}`;
    refuseUpgrade(request, socket as Socket, new ToolError('invalid_request', reason));
  });
  return server;
};

export interface WebSocketOptions {
  /** Calls that may run at once on one socket. */
  readonly socketCalls: number;
}

export class WebSocketTransport implements Transport<TransportContext<WebSocketOptions>> {
  readonly name: string;
  readonly #pingMs: number;
  readonly #channels = new Set<WebSocketChannel>();
  #heartbeat: NodeJS.Timeout | undefined;
  #isClosing = false;

  /** @param pingMs time between two pings of a socket. */
  constructor(name: string, pingMs = 30_000) {
    this.name = name;
    this.#pingMs = pingMs;
  }

  open({
    calls,
    access,
    watch,
    log,
    meter,
    limits,
    options,
    http,
  }: TransportContext<WebSocketOptions>): void {
    const { socketCalls } = options;
    const context: ChannelContext = {
      ...{ transport: this.name, calls, access, watch, log, meter },
      limits: { ...limits, socketCalls },
    };
    const server = newServer(limits.maxBodyBytes);
    this.#heartbeat = setInterval(() => this.#pingAll(), this.#pingMs).unref();
    http.upgrade({
      path: '/ws/tools/:name',
      description: 'calls a tool over a WebSocket, several calls at a time',
      handle: (request, socket, head) => {
        this.#checkOpen(calls);
        server.handleUpgrade(request, socket, head, (ws) => {
          const channel = this.#welcome(ws, socket, request, context);
          http.adopt(socket, channel);
        });
      },
    });
  }

  /** Says goodbye to every client and waits until all sockets are gone. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#heartbeat);
    for (const channel of this.#channels) channel.close(1001, 'going away');
    const gone = [...this.#channels].map(
      ({ socket }) =>
        new Promise<void>((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve()))),
    );
    await Promise.all(gone);
  }

  #checkOpen(calls: Calls): void {
    if (calls.drainRefusal) throw calls.drainRefusal;
    if (this.#isClosing) {
      throw new ToolError('unavailable', 'the gateway is shutting down; connect again in a moment');
    }
  }

  #welcome(
    ws: WebSocket,
    socket: Socket,
    request: GatewayRequest,
    context: ChannelContext,
  ): WebSocketChannel {
    const { keyId, params } = request;
    const channel = new WebSocketChannel(ws, socket, params['name'] ?? '', keyId, context);
    this.#channels.add(channel);
    ws.once('close', () => this.#channels.delete(channel));
    return channel;
  }

  #pingAll(): void {
    for (const channel of this.#channels) {
      if (channel.isBehind) continue;
      if (channel.missedPongs >= 2) channel.terminate();
      else {
        channel.missedPongs++;
        channel.ping();
      }
    }
  }
}
