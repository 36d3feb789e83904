/** `/ws/tools/{name}`: sockets on which a tool is called. */
import { WEBSOCKET_SUBPROTOCOL } from '../../access/presented-key.ts';
import { SocketServer } from '../http/socket-server.ts';
import type { Transport, TransportContext } from '../transport.ts';
import { type ChannelContext, WebSocketChannel } from './websocket-channel.ts';

export interface WebSocketOptions {
  /** Calls that may run at once on one socket. */
  readonly socketCalls: number;
}

export class WebSocketTransport implements Transport<TransportContext<WebSocketOptions>> {
  readonly name: string;
  readonly #pingMs: number;
  #server: SocketServer | undefined;

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
      ...{ transport: this.name, calls, watch, log, meter },
      limits: { ...limits, socketCalls },
    };
    const server = new SocketServer({
      ...{ calls, access, http, pingMs: this.#pingMs },
      maxPayload: limits.maxBodyBytes,
      choose: (offered) => (offered.has(WEBSOCKET_SUBPROTOCOL) ? WEBSOCKET_SUBPROTOCOL : false),
    });
    this.#server = server;
    http.upgrade({
      path: '/ws/tools/:name',
      description: 'calls a tool over a WebSocket, several calls at a time',
      handle: (request, socket, head) =>
        server.upgrade(request, socket, head, (ws) => new WebSocketChannel(ws, socket, request, context)),
    });
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }
}
