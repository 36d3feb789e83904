/**
 * What an EventSource needs, which can neither post nor send headers: a ticket in place of a key, and calls by GET.
 *
 * E1. A page of another site can make a browser send any GET, so nothing runs by GET without a key's header or a ticket,
 *     which no other site can have; where keys are off, not without a ticket. Browsers that tell where a request comes
 *     from (Sec-Fetch-Site) are heeded too.
 * E2. Only tools that read run by GET (RFC 9110, section 9.2.1: safe methods), and by HEAD none does.
 * E3. An EventSource comes back by itself: a call by GET goes on for a while without its reader, and its ticket then reads
 *     that call alone.
 */
import { ANONYMOUS } from '../../access/key-book.ts';
import { refuseOtherSites } from '../../access/other-sites.ts';
import { TICKET_MS, type Tickets } from '../../access/tickets.ts';
import { ToolError } from '../../call/tool-error.ts';
import { callNotFound, newCallId } from '../../dispatch/calls.ts';
import { parseJsonText } from '../rendering/bounded-json.ts';
import { type CallInput, readCallInput, repeatBytesOf } from '../rendering/call-input.ts';
import { rateLimitHeaders } from '../rendering/rate-limit-headers.ts';
import { type LeftAt, lastEventId, resumeCall } from './call-resumption.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import type { AnswerFormat, HttpRoute } from './registration.ts';
import { commonHeaders, respondJson, respondProblem } from './response.ts';
import { requireFormat, requireTool, type ToolRouteContext } from './tool-route.ts';

/** How long a call by GET goes on without a reader where the client does not say: an EventSource comes back in seconds. */
const DETACH_MS = 60_000;

export interface TicketRouteContext extends ToolRouteContext {
  readonly tickets: Tickets;
}

/** @param formats those that stream, best first; without any there is nothing to have a ticket for. */
export function ticketRoutes(
  [first, ...others]: readonly AnswerFormat[],
  context: TicketRouteContext,
): readonly HttpRoute[] {
  if (!first) return [];
  const offers = [first, ...others] as const;
  return [
    {
      method: 'POST',
      path: '/tickets',
      description: 'gives a ticket: good for one call by GET, in place of a key',
      handle: async (request, response) => {
        refuseOtherSites(request, request.corsOrigin !== undefined);
        const ticket = context.tickets.issue(request.keyId);
        const shared = context.tickets.share(ticket);
        if (shared) await shared;
        respondJson(request, response, { ticket, expiresInMs: TICKET_MS });
      },
    },
    {
      method: 'GET',
      path: '/tools/:name/stream',
      description: 'the same for an EventSource: tools that only read, ?arguments=<JSON>&ticket=',
      takesTicket: true,
      handle: (request, response) => streamByGet(request, response, context, offers),
    },
  ];
}

async function streamByGet(
  request: GatewayRequest,
  response: GatewayResponse,
  context: TicketRouteContext,
  offers: readonly [AnswerFormat, ...AnswerFormat[]],
): Promise<void> {
  const { calls, limits } = context;
  requireTool(request, calls);
  const { name = '' } = request.params;
  if (calls.tool(name, request.keyId)?.annotations?.readOnlyHint !== true) {
    const text = `${name} does not say that it only reads (readOnlyHint), so GET does not run it; use POST`;
    return respondProblem(request, response, new ToolError('method_not_allowed', text), {}, 'Allow', 'POST');
  }
  if (request.keyId === ANONYMOUS && !request.ticket)
    throw new ToolError(
      'unauthenticated',
      'without keys a call by GET needs a ticket; POST /tickets for one',
    );
  const format = requireFormat(request, offers);
  if (request.method === 'HEAD') return answerHead(request, response, format);
  const left = goesOnWith(request);
  if (left) return resumeCall(request, response, { calls, format, tool: name }, left);
  const input = readQuery(request);
  const repeatBytes = repeatBytesOf(input, limits);
  const { ticket } = request;
  const callId = newCallId();
  const bound = ticket && (await context.tickets.claim(ticket, callId));
  // Another request has come with the same ticket, here or at another gateway.
  if (bound !== undefined && bound !== callId)
    return resumeCall(request, response, { calls, format, tool: name }, { callId: bound, after: -1 });
  const call = calls.call({
    callId,
    name,
    arguments: input.arguments,
    caller: { keyId: request.keyId, transport: format.transport },
    streams: true,
    repeatBytes,
    timeoutMs: input.timeoutMs,
    origin: request.origin,
    keep: { detachMs: input.detachMs ?? DETACH_MS, repeatBytes, comesBack: true },
  });
  request.callHeaders = rateLimitHeaders(calls.quotasOf(request.keyId, name));
  if (ticket) {
    const { tickets } = context;
    const { expiresAt } = ticket;
    tickets.bind(ticket, callId, Infinity);
    call.onEnd(() => {
      if (call.hasStarted) tickets.lasts(ticket, limits.keptMs);
      else tickets.release(ticket, expiresAt);
    });
  }
  format.serve(request, response, call);
}

/** Where a reader who comes back goes on; undefined for one who comes for the first time. */
function goesOnWith(request: GatewayRequest): LeftAt | undefined {
  const left = lastEventId(request);
  const bound = request.ticket?.callId;
  if (bound === undefined) return left;
  if (left && left.callId !== bound) throw callNotFound(left.callId);
  return left ?? { callId: bound, after: -1 };
}

function answerHead(request: GatewayRequest, response: GatewayResponse, format: AnswerFormat): void {
  const headers = [...commonHeaders(request), 'Content-Type', format.mediaType, 'Cache-Control', 'no-store'];
  response.writeHead(200, headers);
  response.end();
}

/** What a body would say, from the query. @throws {ToolError} parse_error, too_complex, invalid_request. */
function readQuery(request: GatewayRequest): CallInput {
  const query = new URLSearchParams(request.url?.slice(request.pathOnly.length));
  const number = (name: string) => {
    const text = query.get(name);
    return text === null ? undefined : /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  };
  const text = query.get('arguments');
  return readCallInput({
    arguments: text === null ? undefined : parseJsonText(text),
    timeoutMs: number('timeoutMs'),
    result: query.get('result') ?? undefined,
    detach: number('detach'),
  });
}
