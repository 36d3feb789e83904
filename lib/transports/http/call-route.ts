/** `/calls/{id}/events`: the events of a call that is kept, in the format that the client asks for, or no longer. */

import { callNotFound } from '../../dispatch/calls.ts';
import { answerNothing, type LeftAt, leftAt, resumeCall } from './call-resumption.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import type { AnswerFormat, HttpRoute } from './registration.ts';
import { commonHeaders } from './response.ts';
import type { TicketRouteContext } from './ticket-route.ts';
import { requireFormat } from './tool-route.ts';

/** @param formats those that stream, best first; without any there is no route. */
export function callRoutes(
  [first, ...others]: readonly AnswerFormat[],
  { calls, limits, tickets }: TicketRouteContext,
): readonly HttpRoute[] {
  if (!first) return [];
  const offers = [first, ...others] as const;
  const resume = async (
    request: GatewayRequest,
    response: GatewayResponse,
    format: AnswerFormat,
    left: LeftAt,
  ): Promise<void> => {
    const { ticket } = request;
    if (!ticket) return resumeCall(request, response, { calls, format }, left);
    const { callId: bound } = ticket;
    // At once: a second request must not have it for another call.
    const claimed = tickets.claim(ticket, left.callId);
    if ((typeof claimed === 'string' ? claimed : await claimed) !== left.callId)
      throw callNotFound(left.callId);
    try {
      await resumeCall(request, response, { calls, format }, left);
      if (bound === undefined) tickets.lasts(ticket, limits.callTimeoutMs + limits.keptMs);
    } catch (error) {
      if (bound === undefined) tickets.release(ticket);
      throw error;
    }
  };
  const handle = async (request: GatewayRequest, response: GatewayResponse): Promise<void> => {
    const format = requireFormat(request, offers);
    const left = leftAt(request);
    const bound = request.ticket?.callId;
    if (bound !== undefined && bound !== left.callId) throw callNotFound(left.callId);
    if (request.method !== 'HEAD') return resume(request, response, format, left);
    // Whoever only looks takes no call over.
    if (!(await calls.find(left.callId, request.keyId))) throw callNotFound(left.callId);
    response.writeHead(200, [...commonHeaders(request), 'Content-Type', format.mediaType]);
    response.end();
  };
  const description = 'goes on with the events of a call, after Last-Event-ID or ?after=';
  const release = async (request: GatewayRequest, response: GatewayResponse): Promise<void> => {
    const { id: callId = '' } = request.params;
    await calls.release(callId, request.keyId);
    answerNothing(request, response, callId);
  };
  const path = '/calls/:id/events';
  return [
    { method: 'GET', path, description, takesTicket: true, handle },
    {
      method: 'DELETE',
      path,
      description: 'ends the stream of a call that was made with detach; it holds until somebody goes on',
      handle: release,
    },
  ];
}
