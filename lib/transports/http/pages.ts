/** The pages about the gateway itself: `GET /`, `/health` with what machines ask for below it, and `/stats`. */
import type { Access } from '../../access/access.ts';
import type { Endpoint } from './endpoint.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import { negotiate, type Offer } from './negotiation.ts';
import type { HttpRoute } from './registration.ts';
import { redirect, respondJson } from './response.ts';

export interface HealthPage {
  readonly status: 'ok' | 'degraded' | 'draining' | 'down';
}

/** What the pages show; gateway.ts composes it. */
export interface GatewayPages {
  /** `GET /`, without its list of endpoints; `keyId` where the request has a good key. */
  info(keyId?: string): object;
  health(): HealthPage;
  /** How long it takes at most, in milliseconds, until a gateway that takes no calls is gone, or tries again to. */
  retryAfterMs(): number;
  stats(): object;
}

/** What can be asked, once that is final. */
export interface Overview {
  endpoints(): readonly Endpoint[];
  /** Where a browser goes that asks for `/`; undefined: nowhere. */
  welcome(): string | undefined;
}

const PAGE: Offer = { mediaType: 'text/html' };
const JSON_OR_PAGE: readonly [Offer, ...Offer[]] = [{ mediaType: 'application/json' }, PAGE];

export function pageRoutes(
  pages: GatewayPages,
  access: Pick<Access, 'identifyIfKnown'>,
  overview: Overview,
): readonly HttpRoute[] {
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
      handle: (request, response) => {
        const welcome = overview.welcome();
        const prefersPage = negotiate(request.headers.accept, JSON_OR_PAGE) === PAGE;
        if (welcome !== undefined && prefersPage) return redirect(request, response, 303, welcome);
        const info = pages.info(access.identifyIfKnown(request));
        const page = welcome === undefined ? {} : { console: welcome };
        const body = { ...info, ...page, endpoints: overview.endpoints() };
        respondJson(request, response, body, 200, 'Vary', 'Accept');
      },
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
      showsAll: true,
      handle: (request, response) => respondJson(request, response, pages.stats()),
    },
  ];
}

const wholeSeconds = (ms: number): string => String(Math.max(1, Math.ceil(ms / 1000)));
