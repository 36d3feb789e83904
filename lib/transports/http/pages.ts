/** The pages about the gateway itself: `GET /`, `/health` with what machines ask for below it, and `/stats`. */
import type { Endpoint } from './endpoint.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import type { HttpRoute } from './registration.ts';
import { respondJson } from './response.ts';

export interface HealthPage {
  readonly status: 'ok' | 'degraded' | 'draining' | 'down';
}

/** What the pages show; gateway.ts composes it. */
export interface GatewayPages {
  /** `GET /`, without its list of endpoints. */
  info(): object;
  health(): HealthPage;
  /** How long it takes at most, in milliseconds, until a gateway that takes no calls is gone, or tries again to. */
  retryAfterMs(): number;
  stats(): object;
}

export function pageRoutes(pages: GatewayPages, endpoints: () => readonly Endpoint[]): readonly HttpRoute[] {
  const respondHealth = (request: GatewayRequest, response: GatewayResponse, page: HealthPage) => {
    if (page.status === 'ok' || page.status === 'degraded') respondJson(request, response, page);
    else respondJson(request, response, page, 503, 'Retry-After', wholeSeconds(pages.retryAfterMs()));
  };
  return [
    {
      method: 'GET',
      path: '/',
      description: 'describes the gateway',
      isOpen: true,
      handle: (request, response) =>
        respondJson(request, response, { ...pages.info(), endpoints: endpoints() }),
    },
    {
      method: 'GET',
      path: '/health',
      description: 'says whether the gateway can take calls',
      isOpen: true,
      handle: (request, response) => respondHealth(request, response, pages.health()),
    },
    {
      method: 'GET',
      path: '/health/live',
      description: 'says that the gateway runs, for what would start it again',
      isOpen: true,
      handle: (request, response) => respondJson(request, response, { status: 'ok' }),
    },
    {
      method: 'GET',
      path: '/health/ready',
      description: 'says whether to send it calls, for what would send them elsewhere',
      isOpen: true,
      handle: (request, response) => respondHealth(request, response, { status: pages.health().status }),
    },
    {
      method: 'GET',
      path: '/stats',
      description: 'shows workers, queue, tools and transports in numbers',
      handle: (request, response) => respondJson(request, response, pages.stats()),
    },
  ];
}

const wholeSeconds = (ms: number): string => String(Math.max(1, Math.ceil(ms / 1000)));
