/**
 * What carries calls, found without Express: routes of POST, and mounts of one path.
 *
 * D1. Express has the rest: pages, other methods of these paths, folders, and what is not there. Its router gives a
 *     request half a dozen properties, which takes 6 % of an echo's time on the main thread.
 * D2. The first that fits has the request, routes before mounts, as Express would have it.
 */
import type { GatewayRequest } from './gateway-message.ts';
import { isFolder } from './open-paths.ts';
import { PathPattern } from './path-pattern.ts';
import type { HttpRoute, Mount } from './registration.ts';
import type { Listener } from './request-guard.ts';
import type { Refuse } from './response.ts';

/**
 * @param next told of every other request.
 * @param refuse told of what a handler has thrown, or rejected with.
 */
export function directRoutes(
  routes: readonly HttpRoute[],
  mounts: readonly Mount[],
  next: Listener,
  refuse: Refuse,
): Listener {
  const direct: readonly (HttpRoute | Mount)[] = [
    ...routes.filter(({ method }) => method === 'POST'),
    ...mounts.filter(({ path }) => !isFolder(path)),
  ];
  const entries = direct.map((registered) => ({
    registered,
    isPost: 'method' in registered,
    pattern: new PathPattern(registered.path),
  }));
  const find = (request: GatewayRequest): HttpRoute | Mount | undefined => {
    const isPost = request.method === 'POST';
    const path = request.pathOnly;
    for (const entry of entries) {
      const params = isPost || !entry.isPost ? entry.pattern.match(path) : undefined;
      if (!params) continue;
      request.params = params;
      return entry.registered;
    }
    return undefined;
  };
  return (request, response) => {
    try {
      const found = find(request);
      if (!found) return next(request, response);
      const handled = found.handle(request, response);
      if (isThenable(handled))
        Promise.resolve(handled).catch((thrown: unknown) => refuse(thrown, request, response));
    } catch (thrown) {
      refuse(thrown, request, response);
    }
  };
}

/** A promise, whoever's: a transport may bring a library of its own. */
const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
