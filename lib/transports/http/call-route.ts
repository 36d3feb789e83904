/** `GET /calls/{id}/events`: the events of a call that is kept, in the format that the client asks for. */

import { callNotFound } from '../../dispatch/calls.ts';
import { leftAt, resumeCall } from './call-resumption.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import type { AnswerFormat, HttpRoute } from './registration.ts';
import { commonHeaders } from './response.ts';
import { requireFormat, type ToolRouteContext } from './tool-route.ts';

/** @param formats those that stream, best first; without any there is no route. */
export function callRoutes(
  [first, ...others]: readonly AnswerFormat[],
  { calls }: ToolRouteContext,
): readonly HttpRoute[] {
  if (!first) return [];
  const offers = [first, ...others] as const;
  const handle = async (request: GatewayRequest, response: GatewayResponse): Promise<void> => {
    const format = requireFormat(request, offers);
    const left = leftAt(request);
    if (request.method !== 'HEAD') return resumeCall(request, response, { calls, format }, left);
    // Whoever only looks takes no call over.
    if (!(await calls.find(left.callId, request.keyId))) throw callNotFound(left.callId);
    response.writeHead(200, [...commonHeaders(request), 'Content-Type', format.mediaType]);
    response.end();
  };
  const description = 'goes on with the events of a call, after Last-Event-ID or ?after=';
  return [{ method: 'GET', path: '/calls/:id/events', description, handle }];
}
