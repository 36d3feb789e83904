/**
 * What every WebSocket handshake passes before the transport that registered its path: id, target, Host and Origin, key,
 * route and tool, method, version. Express sees none of them.
 *
 * U1. A socket gets its error listener before anything else happens to it.
 * U2. What is refused is refused before the upgrade, as an HTTP answer with a problem document.
 */
import type { Socket } from 'node:net';
import type { Access } from '../../access/access.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { Calls } from '../../dispatch/calls.ts';
import type { TransportLog } from '../rendering/transport-log.ts';
import type { ConnectionTable } from './connection-table.ts';
import type { GatewayRequest } from './gateway-message.ts';
import { PathPattern } from './path-pattern.ts';
import { refuseUpgrade } from './raw-problem.ts';
import type { HttpRoute, UpgradeRoute } from './registration.ts';
import { requestIdFor } from './request-id.ts';
import { settleTarget } from './request-target.ts';
import { respondProblem } from './response.ts';
import { requireTool } from './tool-route.ts';

export interface UpgradeContext {
  readonly access: Access;
  readonly calls: Calls;
  readonly connections: Pick<ConnectionTable, 'admit'>;
  /** Paths that end in a slash. */
  readonly keepsSlash: ReadonlySet<string>;
  readonly log: TransportLog;
  readonly onRefused: GatewayRequest['onRefused'];
}

/** The version of the protocol that is spoken (RFC 6455, 4.1). */
const VERSION = '13';
/** Tells a client which one that is (RFC 6455, 4.4). */
const VERSION_HEADER = ['Sec-WebSocket-Version', VERSION];

export class UpgradeRouter {
  readonly #routes: readonly { readonly pattern: PathPattern; readonly upgrade: UpgradeRoute }[];
  /** Where WebSockets live, in words. */
  readonly #paths: string;
  readonly #context: UpgradeContext;

  constructor(upgrades: readonly UpgradeRoute[], context: UpgradeContext) {
    this.#routes = upgrades.map((upgrade) => ({ pattern: new PathPattern(upgrade.path), upgrade }));
    this.#paths = upgrades.map(({ path }) => path.replace(/:(\w+)/g, '{$1}')).join(' and ') || 'no path';
    this.#context = context;
  }

  /** Never rejects. */
  async route(request: GatewayRequest, socket: Socket, head: Buffer): Promise<void> {
    const { access, calls, connections, keepsSlash, log, onRefused } = this.#context;
    socket.on('error', () => socket.destroy());
    request.requestId = requestIdFor(request.headers['x-request-id']);
    request.address = access.addressOf(request);
    request.onRefused = onRefused;
    try {
      settleTarget(request, keepsSlash);
      access.checkOrigin(request);
      request.keyId = await access.checkKey(request, { isWebSocket: true });
      connections.admit(request);
      const upgrade = this.#find(request);
      requireTool(request, calls);
      if (request.method !== 'GET') return refuseMethod(request, socket);
      if (asksForOtherVersion(request)) return refuseVersion(request, socket);
      if (!socket.destroyed) await upgrade.handle(request, socket, head);
    } catch (thrown) {
      const error = ToolError.from(thrown, 'internal', 'the upgrade failed');
      if (error.code === 'internal') log('error', 'an upgrade failed', { error });
      refuseUpgrade(request, socket, error);
    }
  }

  #find(request: GatewayRequest): UpgradeRoute {
    for (const { pattern, upgrade } of this.#routes) {
      const params = pattern.match(request.pathOnly);
      if (!params) continue;
      request.params = params;
      return upgrade;
    }
    throw new ToolError('not_found', `WebSockets live at ${this.#paths}`);
  }
}

function refuseMethod(request: GatewayRequest, socket: Socket): void {
  const error = new ToolError('method_not_allowed', 'a WebSocket begins with GET');
  refuseUpgrade(request, socket, error, { headers: ['Allow', 'GET'] });
}

/** What has no key either is no handshake of any version, and is told so by whoever takes it. */
const asksForOtherVersion = ({ headers }: GatewayRequest): boolean =>
  headers['sec-websocket-version'] !== VERSION && headers['sec-websocket-key'] !== undefined;

function refuseVersion(request: GatewayRequest, socket: Socket): void {
  const asked = request.headers['sec-websocket-version'] ?? '';
  const error = new ToolError(
    'invalid_request',
    `WebSocket version ${JSON.stringify(asked)} is not spoken; send Sec-WebSocket-Version: ${VERSION}`,
  );
  const headers = ['Upgrade', 'websocket', 'Connection', 'Upgrade', ...VERSION_HEADER];
  refuseUpgrade(request, socket, error, { status: 426, headers });
}

/** A plain GET where a WebSocket handshake is expected: 426, which shares its code with other bad requests. */
export function plainRoute({ path, description }: UpgradeRoute, calls: Calls): HttpRoute {
  return {
    method: 'GET',
    path,
    description,
    handle(request, response) {
      requireTool(request, calls);
      const error = new ToolError(
        'invalid_request',
        'this is a WebSocket endpoint; connect with ws:// or wss://',
      );
      // An answer that names this header decides for Node.js whether the connection goes on.
      const connection = response.shouldKeepAlive ? 'Upgrade' : 'Upgrade, close';
      const headers = ['Upgrade', 'websocket', 'Connection', connection, ...VERSION_HEADER];
      respondProblem(request, response, error, { status: 426 }, ...headers);
    },
  };
}
