/**
 * `POST /tools/{name}` and `/stream`: reads the call, starts it, and hands it to the format that the client asked for.
 *
 * O1. Checked in this order: tool, Accept, Content-Type, size, JSON, fields; then admission and arguments.
 * O2. A request with an idempotency key that was used before gets the call that was made with it.
 * O3. A stream's request with the Last-Event-ID of a call goes on with that call, and runs nothing.
 */

import type { CallRequest } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { Calls } from '../../dispatch/calls.ts';
import { toolNotFound } from '../../dispatch/calls.ts';
import { readCallInput, readIdempotencyKey, repeatBytesOf } from '../rendering/call-input.ts';
import { rateLimitHeaders } from '../rendering/rate-limit-headers.ts';
import type { TransportLimits } from '../transport.ts';
import { lastEventId, resumeCall } from './call-resumption.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import { negotiate } from './negotiation.ts';
import type { AnswerFormat, HttpRoute } from './registration.ts';
import { readJsonBody, requireJson } from './request-body.ts';

export interface ToolRouteContext {
  readonly calls: Calls;
  readonly limits: TransportLimits;
}

/** @param formats what is offered, best first. A route without any is left out. */
export function toolRoutes(
  formats: readonly AnswerFormat[],
  context: ToolRouteContext,
): readonly HttpRoute[] {
  const bare = formats.filter(({ takes }) => takes === 'arguments');
  const whole = formats.filter(({ takes }) => takes !== 'arguments');
  const streams = whole.filter((format) => format.streams);
  const [firstStream, ...others] = streams.map(({ label }) => label);
  const choice = others.length === 0 ? firstStream : `${firstStream}, or ${others.join(' or ')} by Accept`;
  return [
    ...toolRoute('/tools/:name', 'calls a tool and answers when it has ended', whole, context),
    ...toolRoute(
      '/tools/:name/stream',
      `calls a tool and streams its progress and chunks (${choice})`,
      streams,
      context,
    ),
    ...toolRoute('/api/:name', 'calls a tool: its arguments in, its data out', bare, context),
  ];
}

function toolRoute(
  path: string,
  description: string,
  [first, ...others]: readonly AnswerFormat[],
  context: ToolRouteContext,
): readonly HttpRoute[] {
  if (!first) return [];
  const offers = [first, ...others] as const;
  const handle = (request: GatewayRequest, response: GatewayResponse) =>
    runTool(request, response, context, offers);
  return [{ method: 'POST', path, description, handle }];
}

/** @throws {ToolError} tool_not_found when the path names a tool that is none. */
export function requireTool({ params: { name }, keyId }: GatewayRequest, calls: Calls): void {
  if (name === undefined || calls.tool(name, keyId)) return;
  throw calls.catalogTrouble ?? toolNotFound(name, calls.catalogOf(keyId));
}

/** @throws {ToolError} not_acceptable when none of what is offered is wanted. */
export function requireFormat<Format extends AnswerFormat>(
  { headers }: GatewayRequest,
  offers: readonly [Format, ...Format[]],
): Format {
  const format = negotiate(headers.accept, offers);
  if (format !== undefined) return format;
  const types = offers.map(({ mediaType }) => mediaType).join(', ');
  throw new ToolError('not_acceptable', `this answers with ${types}; ask for one of them in Accept`);
}

async function runTool(
  request: GatewayRequest,
  response: GatewayResponse,
  { calls, limits }: ToolRouteContext,
  offers: readonly [AnswerFormat, ...AnswerFormat[]],
): Promise<void> {
  requireTool(request, calls);
  const format = requireFormat(request, offers);
  requireJson(request);
  const read = await readJsonBody(request, response, limits.maxBodyBytes);
  const name = request.params['name'] ?? '';
  const left = format.streams ? lastEventId(request) : undefined;
  if (left) return resumeCall(request, response, { calls, format, tool: name }, left);
  const body = format.takes === 'arguments' ? { arguments: read } : read;
  const input = readCallInput(body, calls.tool(name, request.keyId)?.inputSchema);
  const header = request.headers['idempotency-key'];
  const key = header === undefined ? undefined : readIdempotencyKey(header, 'Idempotency-Key');
  if (response.destroyed) return;
  const { detachMs } = input;
  const isKept = format.streams || detachMs !== undefined || key !== undefined;
  const repeatBytes = repeatBytesOf(input, limits);
  const asked: CallRequest = {
    name,
    arguments: input.arguments,
    caller: { keyId: request.keyId, transport: format.transport },
    streams: format.streams,
    repeatBytes: format.streams ? repeatBytes : limits.maxResultBytes,
    timeoutMs: input.timeoutMs,
    origin: request.origin,
    keep: isKept ? { detachMs, repeatBytes, comesBack: true } : undefined,
  };
  const call = key === undefined ? calls.call(asked) : await calls.callOnce(asked, { key, body });
  request.callHeaders = rateLimitHeaders(calls.quotasOf(request.keyId, name));
  format.serve(request, response, call);
}
