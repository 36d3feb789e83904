/**
 * What every HTTP request passes before its route: an id, its target as a path, Host and Origin, CORS preflight, the
 * key, and room for its connection.
 *
 * G1. It stands before Express: a layer there takes another half of a microsecond of each request.
 */
import type { Access } from '../../access/access.ts';
import { refuseOtherSites } from '../../access/other-sites.ts';
import type { Ticket, Tickets } from '../../access/tickets.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { ConnectionTable } from './connection-table.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import type { OpenPaths } from './open-paths.ts';
import { requestIdFor } from './request-id.ts';
import { settleTarget } from './request-target.ts';
import { commonHeaders, type Refuse } from './response.ts';

export interface GuardOptions {
  readonly access: Access;
  readonly connections: Pick<ConnectionTable, 'admit' | 'noteRequest'>;
  /** Paths that need no key, or check it themselves. */
  readonly openPaths: Pick<OpenPaths, 'has'>;
  /** Whether a ticket may stand for the key at a path, by GET. */
  readonly takesTicket: (path: string) => boolean;
  readonly tickets: Tickets;
  /** Paths that end in a slash. */
  readonly keepsSlash: ReadonlySet<string>;
  readonly onRefused: GatewayRequest['onRefused'];
}

export type Listener = (request: GatewayRequest, response: GatewayResponse) => void;

/**
 * @param enter told of what has passed.
 * @param refuse told of what has not, and why.
 */
export function requestGuard(options: GuardOptions, enter: Listener, refuse: Refuse): Listener {
  const { access, connections, openPaths, keepsSlash, takesTicket, tickets, onRefused } = options;
  /** @throws {ToolError} unauthenticated; it is counted as a wrong key is. */
  const useTicket = (request: GatewayRequest, text: string): string | Promise<string> => {
    const found = tickets.find(text);
    return found instanceof Promise
      ? found.then((ticket) => admitTicket(request, ticket))
      : admitTicket(request, found);
  };
  const admitTicket = (request: GatewayRequest, ticket: Ticket | undefined): string | Promise<string> => {
    if (ticket) {
      request.ticket = ticket;
      return ticket.keyId;
    }
    return access.countWrongToken(request).then(() => {
      throw new ToolError('unauthenticated', 'the ticket is unknown or void; POST /tickets for another');
    });
  };

  const admit = (request: GatewayRequest, response: GatewayResponse, keyId: string): undefined => {
    request.keyId = keyId;
    connections.admit(request);
    enter(request, response);
  };

  /** @returns a promise where the key has to wait. */
  const pass = (request: GatewayRequest, response: GatewayResponse): Promise<void> | undefined => {
    request.requestId = requestIdFor(request.headers['x-request-id']);
    connections.noteRequest(request, response);
    request.address = access.addressOf(request);
    request.onRefused = onRefused;
    settleTarget(request, keepsSlash);
    access.checkOrigin(request);
    if (request.headers.origin !== undefined) {
      request.corsOrigin = access.corsOrigin(request);
      if (request.corsOrigin !== undefined && request.method === 'OPTIONS') {
        answerPreflight(request, response);
        return undefined;
      }
    }
    if (openPaths.has(request.pathOnly)) {
      enter(request, response);
      return undefined;
    }
    const mayHaveTicket = isSafe(request) && takesTicket(request.pathOnly);
    if (mayHaveTicket) refuseOtherSites(request, request.corsOrigin !== undefined);
    // Who sends a key needs no ticket: one beside it is not looked at.
    const ticket = mayHaveTicket && !access.bringsKey(request) ? ticketIn(request) : undefined;
    const keyId = ticket === undefined ? access.checkKey(request) : useTicket(request, ticket);
    if (typeof keyId === 'string') return admit(request, response, keyId);
    return keyId.then((found) => admit(request, response, found));
  };

  return (request, response) => {
    try {
      pass(request, response)?.catch((thrown: unknown) => refuse(thrown, request, response));
    } catch (thrown) {
      refuse(thrown, request, response);
    }
  };
}

const isSafe = ({ method }: GatewayRequest): boolean => method === 'GET' || method === 'HEAD';

function ticketIn(request: GatewayRequest): string | undefined {
  return new URLSearchParams(request.url?.slice(request.pathOnly.length)).get('ticket') ?? undefined;
}

function answerPreflight(request: GatewayRequest, response: GatewayResponse): void {
  const headers = commonHeaders(request);
  headers.push('Access-Control-Allow-Methods', 'GET, POST, PUT, DELETE', 'Access-Control-Max-Age', '600');
  const asked = request.headers['access-control-request-headers'];
  if (typeof asked === 'string') headers.push('Access-Control-Allow-Headers', asked);
  response.writeHead(204, headers);
  response.end();
}
