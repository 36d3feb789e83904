/** `/graphql`, once its package is there: over HTTP and over WebSocket. */
import { ToolError } from '../../call/tool-error.ts';
import { SocketServer } from '../http/socket-server.ts';
import type { TransportContext } from '../transport.ts';
import { GraphqlService } from './graphql-service.ts';
import { GraphqlEndpoint } from './http/graphql-endpoint.ts';
import type { GraphqlOptions } from './options.ts';
import { GraphqlSocket } from './websocket/graphql-socket.ts';

const PATH = '/graphql';
const SUBPROTOCOL = 'graphql-transport-ws';
const PING_MS = 30_000;

export class GraphqlServer {
  readonly #endpoint: GraphqlEndpoint;
  readonly #sockets: SocketServer;
  readonly #stopListening: () => void;

  /** @param name of the transport. */
  constructor(name: string, context: TransportContext<GraphqlOptions>) {
    const { calls, access, http, limits } = context;
    const service = new GraphqlService(name, context);
    const endpoint = new GraphqlEndpoint(service);
    const sockets = new SocketServer({
      ...{ calls, access, http, pingMs: PING_MS },
      maxPayload: limits.maxBodyBytes,
      choose: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    });
    this.#endpoint = endpoint;
    this.#sockets = sockets;
    this.#stopListening = access.onRevoked((keyIds) => {
      setImmediate(() => endpoint.endStreams('the API key was taken away', keyIds));
    });
    http.mount({
      path: PATH,
      endpoints: [
        { method: 'POST', path: PATH, description: 'runs an operation of GraphQL: tools are its fields' },
        {
          method: 'GET',
          path: PATH,
          description: 'runs a query of GraphQL, or opens a reserved event stream',
        },
        { method: 'PUT', path: PATH, description: 'reserves an event stream for several operations' },
        { method: 'DELETE', path: PATH, description: 'ends an operation of a reserved event stream' },
        { method: 'WS', path: PATH, description: `runs operations of GraphQL (${SUBPROTOCOL})` },
      ],
      handle: (request, response) => endpoint.handle(request, response),
      upgrade: (request, socket, head) => {
        const offered = request.headers['sec-websocket-protocol']?.split(',').map((one) => one.trim()) ?? [];
        if (!offered.includes(SUBPROTOCOL)) {
          throw new ToolError('invalid_request', `the subprotocol ${SUBPROTOCOL} is spoken here; offer it`);
        }
        sockets.upgrade(request, socket, head, (ws) => new GraphqlSocket(ws, socket, request, service));
      },
    });
  }

  /** Settles when every socket is gone; answers end with their calls. */
  async close(): Promise<void> {
    this.#stopListening();
    this.#endpoint.endStreams('the gateway is shutting down');
    await this.#sockets.close();
  }
}
