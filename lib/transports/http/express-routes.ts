/**
 * The routes of the gateway: one table that gives the Express routes, their 405 answers and the list in `GET /`.
 *
 * O1. Known paths answer other methods with 405 and Allow. Everything else is a problem document, never HTML.
 */
import type { ErrorRequestHandler, Express, RequestHandler } from 'express';
import { ToolError } from '../../call/tool-error.ts';
import { toolNotFound } from '../../dispatch/dispatcher.ts';
import type { TransportLog } from '../rendering/transport-log.ts';
import { renderToolList } from '../rest/tool-list.ts';
import type { Endpoint } from './endpoint.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import { JSON_TYPE, respond, respondProblem } from './response.ts';
import { ANY_ANSWER, runTool, STREAMED_ANSWER, type ToolRouteContext } from './tool-route.ts';

export interface HealthPage {
  readonly status: 'ok' | 'degraded' | 'draining' | 'down';
}

/** What the pages show; gateway.ts composes it. */
export interface GatewayPages {
  /** `GET /`, without its list of endpoints. */
  info(): object;
  health(): HealthPage;
  stats(): object;
}

/** A path that another module serves, behind the same request id, Host and Origin rules. */
export interface Mount {
  readonly path: string;
  /** True: the module checks the key itself, or needs none. */
  readonly isOpen?: boolean;
  readonly endpoints: readonly Endpoint[];
  handle(request: GatewayRequest, response: GatewayResponse): unknown;
}

export interface RouteContext extends ToolRouteContext {
  readonly pages: GatewayPages;
  readonly mounts: readonly Mount[];
}

type Handle = (request: GatewayRequest, response: GatewayResponse) => unknown;

interface Route {
  readonly method: 'get' | 'post' | 'delete';
  readonly path: string;
  readonly description: string;
  readonly handle: Handle;
}

/** @returns the endpoints, as `GET /` lists them. */
export function addRoutes(app: Express, context: RouteContext): readonly Endpoint[] {
  const endpoints: Endpoint[] = [];
  const routes = routeTable(context, endpoints);
  endpoints.push(
    ...routes.map(({ method, path, description }) => ({
      method: path.startsWith('/ws/') ? 'WS' : method.toUpperCase(),
      path: path.replace(/:(\w+)/, '{$1}'),
      description,
    })),
    ...context.mounts.flatMap((mount) => mount.endpoints),
  );
  // Express tries routes in turn, so what carries calls comes first.
  for (const { path, handle } of context.mounts) app.all(path, expressHandler(handle));
  const busiestFirst = [...routes].sort((a, b) => Number(b.method === 'post') - Number(a.method === 'post'));
  for (const { method, path, handle } of busiestFirst) app[method](path, expressHandler(handle));
  for (const { method, path } of routes) {
    const allow = method === 'get' ? 'GET, HEAD' : method.toUpperCase();
    app.all(
      path,
      expressHandler((request, response) => refuseMethod(request, response, context, allow)),
    );
  }
  app.use(
    expressHandler((request) => {
      throw new ToolError('not_found', `there is nothing at ${request.pathOnly}; GET / lists the endpoints`);
    }),
  );
  app.use(errorHandler(context.log));
  return endpoints;
}

/** The paths that answer without a key. */
export const openPathsOf = (mounts: readonly Mount[]): ReadonlySet<string> =>
  new Set(['/', '/health', ...mounts.filter(({ isOpen }) => isOpen).map(({ path }) => path)]);

/** The routes, in the order of `GET /`, which lists `endpoints`. */
function routeTable(context: RouteContext, endpoints: readonly Endpoint[]): readonly Route[] {
  const { dispatcher, pages } = context;
  return [
    {
      method: 'get',
      path: '/',
      description: 'describes the gateway',
      handle: (request, response) => respondJson(request, response, { ...pages.info(), endpoints }),
    },
    {
      method: 'get',
      path: '/health',
      description: 'says whether the gateway can take calls',
      handle(request, response) {
        const health = pages.health();
        const isUp = health.status === 'ok' || health.status === 'degraded';
        respondJson(request, response, health, isUp ? 200 : 503);
      },
    },
    {
      method: 'get',
      path: '/tools',
      description: 'lists the tools and their schemas',
      handle: (request, response) =>
        respond(request, response, 200, JSON_TYPE, renderToolList(dispatcher.catalog)),
    },
    {
      method: 'post',
      path: '/tools/:name',
      description: 'calls a tool and answers when it has ended',
      handle: (request, response) => runTool(request, response, context, ANY_ANSWER),
    },
    {
      method: 'post',
      path: '/tools/:name/stream',
      description: 'calls a tool and streams its progress and chunks (SSE, or NDJSON by Accept)',
      handle: (request, response) => runTool(request, response, context, STREAMED_ANSWER),
    },
    {
      method: 'get',
      path: '/ws/tools/:name',
      description: 'calls a tool over a WebSocket, several calls at a time',
      handle: refusePlainGet(context),
    },
    {
      method: 'delete',
      path: '/calls/:id',
      description: 'cancels a running call',
      handle(request, response) {
        const { id = '' } = request.params;
        if (!dispatcher.cancel(id, request.keyId)) {
          throw new ToolError('call_not_found', `no call ${JSON.stringify(id)} of yours is running`);
        }
        respondJson(request, response, { callId: id, status: 'cancelling' }, 202);
      },
    },
    {
      method: 'get',
      path: '/stats',
      description: 'shows workers, queue, tools and transports in numbers',
      handle: (request, response) => respondJson(request, response, pages.stats()),
    },
  ];
}

function respondJson(request: GatewayRequest, response: GatewayResponse, body: object, status = 200): void {
  const extra = status === 503 ? ['Retry-After', '1'] : [];
  respond(request, response, status, JSON_TYPE, JSON.stringify(body), ...extra);
}

/** A plain GET where a WebSocket handshake is expected: 426, which shares its code with other bad requests. */
function refusePlainGet({ dispatcher }: RouteContext): Handle {
  return (request, response) => {
    const { name = '' } = request.params;
    if (!dispatcher.tool(name)) throw toolNotFound(name, dispatcher.catalog);
    const error = new ToolError(
      'invalid_request',
      'this is a WebSocket endpoint; connect with ws:// or wss://',
    );
    respondProblem(
      request,
      response,
      error,
      { status: 426 },
      'Upgrade',
      'websocket',
      'Connection',
      // An answer that names this header decides for Node.js whether the connection goes on.
      response.shouldKeepAlive ? 'Upgrade' : 'Upgrade, close',
    );
  };
}

function refuseMethod(
  request: GatewayRequest,
  response: GatewayResponse,
  { dispatcher }: RouteContext,
  allow: string,
): void {
  const { name } = request.params;
  if (name !== undefined && !dispatcher.tool(name)) throw toolNotFound(name, dispatcher.catalog);
  const error = new ToolError('method_not_allowed', `${request.method} is not allowed here; use ${allow}`);
  respondProblem(request, response, error, {}, 'Allow', allow);
}

function errorHandler(log: TransportLog): ErrorRequestHandler {
  const handle = (
    thrown: { readonly status?: number },
    request: GatewayRequest,
    response: GatewayResponse,
    _next: unknown, // Express knows an error handler by its four parameters
  ) => {
    const error =
      thrown instanceof URIError
        ? new ToolError('invalid_request', 'the path is not valid percent-encoding')
        : ToolError.from(thrown, 'internal', 'the gateway failed to handle the request');
    if (error.code === 'internal') log('error', error.message, { requestId: request.requestId, error });
    if (response.headersSent) response.destroy();
    else respondProblem(request, response, error);
  };
  return handle as unknown as ErrorRequestHandler;
}

/** Our message classes are what the server makes (gateway-message.ts), though Express's types cannot know. */
const expressHandler = (handle: Handle): RequestHandler => handle as unknown as RequestHandler;
