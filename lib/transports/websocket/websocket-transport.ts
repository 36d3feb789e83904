/**
 * The WebSocket door: refuses or upgrades `/ws/tools/{name}`, keeps the sockets alive, and closes them at the end.
 *
 * D1. A socket gets its error listener before anything else happens to it.
 * D2. What is refused is refused before the upgrade, as an HTTP answer with a problem document.
 * D3. A client pongs within two heartbeats or is dropped; one that is behind with reading is judged by that instead.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { WEBSOCKET_SUBPROTOCOL } from '../../access/presented-key.ts';
import { ToolError } from '../../call/tool-error.ts';
import { toolNotFound } from '../../dispatch/dispatcher.ts';
import type { GatewayRequest } from '../http/gateway-message.ts';
import { writeProblem } from '../http/raw-problem.ts';
import { requestIdFor } from '../http/request-id.ts';
import { commonHeaders, problemHeaders } from '../http/response.ts';
import { renderProblem } from '../rendering/error-rendering.ts';
import { type ChannelContext, WebSocketChannel } from './websocket-channel.ts';

const SERVER_OPTIONS = {
  noServer: true,
  perMessageDeflate: false, // 24 times the CPU for small messages, and memory for each socket
  clientTracking: false,
  /** How long a client may take to answer our close before its socket is destroyed, in milliseconds. */
  closeTimeout: 2000,
  handleProtocols: (offered: Set<string>) =>
    offered.has(WEBSOCKET_SUBPROTOCOL) ? WEBSOCKET_SUBPROTOCOL : (false as const),
};

const newServer = (maxPayload: number) =>
  new WebSocketServer<typeof WebSocket, typeof GatewayRequest>({ ...SERVER_OPTIONS, maxPayload });

export class WebSocketDoor {
  readonly #context: ChannelContext;
  readonly #channels = new Set<WebSocketChannel>();
  readonly #server: ReturnType<typeof newServer>;
  readonly #heartbeat: NodeJS.Timeout;
  #isClosing = false;

  constructor(server: Server<typeof GatewayRequest>, context: ChannelContext, pingMs: number) {
    this.#context = context;
    this.#server = newServer(context.limits.maxBodyBytes);
    this.#heartbeat = setInterval(() => this.#pingAll(), pingMs).unref();
    server.on('upgrade', (request, socket, head) => void this.#upgrade(request, socket as Socket, head));
    this.#server.on('headers', (headers, request) => headers.push(`X-Request-Id: ${request.requestId}`));
    this.#server.on('wsClientError', (error, socket, request) => {
      refuse(
        request,
        socket as Socket,
        new ToolError('invalid_request', `no WebSocket handshake: ${error.message}`),
      );
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

  async #upgrade(request: GatewayRequest, socket: Socket, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    request.requestId = requestIdFor(request.headers['x-request-id']);
    try {
      this.#context.access.checkOrigin(request);
      const keyId = await this.#context.access.checkKey(request, { isWebSocket: true });
      const tool = this.#toolOf(request);
      if (socket.destroyed) return;
      this.#server.handleUpgrade(request, socket, head, (ws) => this.#welcome(ws, socket, tool, keyId));
    } catch (thrown) {
      const error = ToolError.from(thrown, 'internal', 'the upgrade failed');
      if (error.code === 'internal') this.#context.log('error', 'an upgrade failed', { error });
      refuse(request, socket, error);
    }
  }

  #toolOf(request: GatewayRequest): string {
    const encoded = /^\/ws\/tools\/([^/]+)$/.exec(request.pathOnly)?.[1];
    if (encoded === undefined) throw new ToolError('not_found', 'WebSockets live at /ws/tools/{name}');
    const name = decodeName(encoded);
    if (!this.#context.dispatcher.tool(name)) throw toolNotFound(name, this.#context.dispatcher.catalog);
    if (request.method !== 'GET') throw new ToolError('method_not_allowed', 'a WebSocket begins with GET');
    if (this.#isClosing || this.#context.dispatcher.isDraining) {
      throw new ToolError('unavailable', 'the gateway is shutting down; connect again in a moment');
    }
    return name;
  }

  #welcome(ws: WebSocket, socket: Socket, tool: string, keyId: string): void {
    const channel = new WebSocketChannel(ws, socket, tool, keyId, this.#context);
    this.#channels.add(channel);
    ws.once('close', () => this.#channels.delete(channel));
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

function decodeName(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw new ToolError(
      'invalid_request',
      `the path segment ${JSON.stringify(encoded)} is not valid percent-encoding`,
    );
  }
}

/** Answers an upgrade like a plain request, and ends the connection. */
function refuse(request: GatewayRequest, socket: Socket, error: ToolError): void {
  const problem = renderProblem(error, { instance: request.pathOnly, requestId: request.requestId });
  writeProblem(socket, error.status, [...commonHeaders(request), ...problemHeaders(error)], problem);
}
