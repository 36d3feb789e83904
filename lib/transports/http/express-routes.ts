/**
 * The registered routes that Express has (direct-routes.ts, D1), the 405 answers of all, and what becomes of everything
 * else.
 *
 * O1. Known paths answer other methods with 405 and Allow. Everything else is a problem document, never HTML.
 */
import type { ErrorRequestHandler, Express, RequestHandler } from 'express';
import { ToolError } from '../../call/tool-error.ts';
import type { Calls } from '../../dispatch/calls.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import { expressPath, isFolder } from './open-paths.ts';
import type { HttpHandle, HttpRoute, Mount } from './registration.ts';
import { type Refuse, respondProblem } from './response.ts';
import { requireTool } from './tool-route.ts';

export interface RouteContext {
  readonly routes: readonly HttpRoute[];
  readonly mounts: readonly Mount[];
  readonly calls: Calls;
  readonly refuse: Refuse;
}

const EXPRESS_METHOD = { GET: 'get', DELETE: 'delete' } as const;

export function addRoutes(app: Express, { routes, mounts, calls, refuse }: RouteContext): void {
  for (const route of routes) {
    if (route.method !== 'POST') app[EXPRESS_METHOD[route.method]](route.path, expressHandler(route.handle));
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    const allow = routes.filter((route) => route.path === path).map(({ method }) => allowed(method));
    const handle: HttpHandle = (request, response) => {
      requireTool(request, calls);
      refuseMethod(request, response, allow.join(', '));
    };
    app.all(path, expressHandler(handle));
  }
  const folders = mounts.filter(({ path }) => isFolder(path));
  for (const { path, handle } of folders) app.all(expressPath(path), expressHandler(handle));
  app.use(
    expressHandler((request) => {
      throw new ToolError('not_found', `there is nothing at ${request.pathOnly}; GET / lists the endpoints`);
    }),
  );
  app.use(errorHandler(refuse));
}

const allowed = (method: HttpRoute['method']): string => (method === 'GET' ? 'GET, HEAD' : method);

function refuseMethod(request: GatewayRequest, response: GatewayResponse, allow: string): void {
  const error = new ToolError('method_not_allowed', `${request.method} is not allowed here; use ${allow}`);
  respondProblem(request, response, error, {}, 'Allow', allow);
}

function errorHandler(refuse: Refuse): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  const handle = (thrown: unknown, request: GatewayRequest, response: GatewayResponse, _next: unknown) =>
    refuse(thrown, request, response);
  return handle as unknown as ErrorRequestHandler;
}

/** Our message classes are what the server makes (express-messages.ts), though Express's types cannot know. */
const expressHandler = (handle: HttpHandle): RequestHandler => handle as unknown as RequestHandler;
