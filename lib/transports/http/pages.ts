/** The pages about the gateway itself: `GET /`, `/health` and `/stats`. */
import type { Access } from '../../access/access.ts';
import type { Endpoint } from './endpoint.ts';
import type { HttpRoute } from './registration.ts';
import { respondJson } from './response.ts';

export interface HealthPage {
  readonly status: 'ok' | 'degraded' | 'draining' | 'down';
}

/** What the pages show; gateway.ts composes it. */
export interface GatewayPages {
  /** `GET /`, without its list of endpoints; `keyId` where the request has a good key. */
  info(keyId?: string): object;
  health(): HealthPage;
  stats(): object;
}

export function pageRoutes(
  pages: GatewayPages,
  access: Pick<Access, 'identifyIfKnown'>,
  endpoints: () => readonly Endpoint[],
): readonly HttpRoute[] {
  return [
    {
      method: 'GET',
      path: '/',
      description: 'describes the gateway',
      isOpen: true,
      handle: (request, response) =>
        respondJson(request, response, {
          ...pages.info(access.identifyIfKnown(request)),
          endpoints: endpoints(),
        }),
    },
    {
      method: 'GET',
      path: '/health',
      description: 'says whether the gateway can take calls',
      isOpen: true,
      handle(request, response) {
        const health = pages.health();
        const isUp = health.status === 'ok' || health.status === 'degraded';
        respondJson(request, response, health, isUp ? 200 : 503);
      },
    },
    {
      method: 'GET',
      path: '/stats',
      description: 'shows workers, queue, tools and transports in numbers',
      showsAll: true,
      handle: (request, response) => respondJson(request, response, pages.stats()),
    },
  ];
}
