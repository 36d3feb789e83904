/**
 * The WebSockets of one path, whatever is spoken on them: the handshake, a heartbeat for each, and their end.
 *
 * D1. Host, Origin and key were checked before; what is refused here is refused before the upgrade.
 * D2. A client pongs within two heartbeats or is dropped; one that is behind with reading is judged by that instead.
 * D3. A socket ends with the key that opened it.
 * D4. At the end of the gateway, when all calls have ended, what their readers have not been told yet goes first, for a
 *     moment.
 */
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Access } from '../../access/access.ts';
import { waitForQuiet } from '../../async/wait-for-quiet.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { Calls } from '../../dispatch/calls.ts';
import type { UpgradedConnection } from './connection-table.ts';
import type { GatewayRequest } from './gateway-message.ts';
import { refuseUpgrade } from './raw-problem.ts';
import type { HttpRegistration } from './registration.ts';

/** How long a client that stood still may take to read as far as our close, in milliseconds. */
export const STALLED_CLOSE_MS = 30_000;

/** How long the last events of calls that have ended may take to leave, in milliseconds. */
const LAST_EVENTS_MS = 1000;

const SERVER_OPTIONS = {
  noServer: true,
  perMessageDeflate: false, // 24 times the CPU for small messages, and memory for each socket
  clientTracking: false,
  /** The longest that a client may take to answer our close, in milliseconds; a channel mostly has less patience. */
  closeTimeout: STALLED_CLOSE_MS,
};

/** One client's socket, as its server sees it. */
export interface SocketChannel extends UpgradedConnection {
  readonly socket: Socket;
  readonly keyId: string;
  /** True while the client is behind with reading. */
  readonly isBehind: boolean;
  missedPongs: number;
  close(code: number, reason: string): void;
  ping(): void;
  terminate(): void;
}

export interface SocketServerOptions {
  readonly calls: Calls;
  readonly access: Pick<Access, 'onRevoked'>;
  readonly http: Pick<HttpRegistration, 'adopt'>;
  /** The largest message, in bytes. */
  readonly maxPayload: number;
  /** Time between two pings of a socket, in milliseconds. */
  readonly pingMs: number;
  /** The subprotocol that is spoken with who offers these; false: none is named. */
  choose(offered: Set<string>): string | false;
}

export class SocketServer {
  readonly #options: SocketServerOptions;
  readonly #server: ReturnType<typeof newServer>;
  readonly #channels = new Set<SocketChannel>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #stopListening: () => void;
  #isClosing = false;

  constructor(options: SocketServerOptions) {
    this.#options = options;
    this.#server = newServer(options);
    this.#heartbeat = setInterval(() => this.#pingAll(), options.pingMs).unref();
    this.#stopListening = options.access.onRevoked((keyIds) => {
      const revoked = [...this.#channels].filter(({ keyId }) => keyIds.has(keyId));
      // Their calls are cancelled in these moments, and their clients should read so.
      setImmediate(() => {
        for (const channel of revoked) channel.close(1008, 'the API key was taken away');
      });
    });
  }

  /**
   * Answers a handshake.
   * @param welcome makes what serves the socket.
   * @throws {ToolError} unavailable while the gateway closes.
   */
  upgrade(
    request: GatewayRequest,
    socket: Socket,
    head: Buffer,
    welcome: (ws: WebSocket) => SocketChannel,
  ): void {
    const { calls, http } = this.#options;
    if (calls.drainRefusal) throw calls.drainRefusal;
    if (this.#isClosing) {
      throw new ToolError('unavailable', 'the gateway is shutting down; connect again in a moment');
    }
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      const channel = welcome(ws);
      this.#channels.add(channel);
      ws.once('close', () => this.#channels.delete(channel));
      http.adopt(socket, channel);
    });
  }

  /** Says goodbye to every client and waits until all sockets are gone. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#heartbeat);
    this.#stopListening();
    await waitForQuiet(() => [...this.#channels].every((channel) => channel.isIdle()), LAST_EVENTS_MS);
    for (const channel of this.#channels) channel.close(1001, 'going away');
    const gone = [...this.#channels].map(
      ({ socket }) =>
        new Promise<void>((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve()))),
    );
    await Promise.all(gone);
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

function newServer({ maxPayload, choose }: SocketServerOptions) {
  const server = new WebSocketServer<typeof WebSocket, typeof GatewayRequest>({
    ...SERVER_OPTIONS,
    handleProtocols: choose,
    maxPayload,
  });
  server.on('headers', (headers, request) => headers.push(`X-Request-Id: ${request.requestId}`));
  server.on('wsClientError', (error, socket, request) => {
    const reason = `no WebSocket handshake: ${error.message}`;
    refuseUpgrade(request, socket as Socket, new ToolError('invalid_request', reason));
  });
  return server;
}
