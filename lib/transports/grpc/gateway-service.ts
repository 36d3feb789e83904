/**
 * mcp.gateway.v1.McpGateway: the calls of one RPC each, and the catalog.
 *
 * V1. A client that leaves, or whose deadline is over, cancels its call; one with `detach_s` goes on for a while.
 * V2. A call that the end of the gateway cuts off is ABORTED once its tool has begun, since clients send again by
 *     themselves what is UNAVAILABLE.
 */
import type { TerminalEvent } from '../../call/call-events.ts';
import { leave, type RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { NewsSource } from '../news.ts';
import { pumpEvents } from '../rendering/event-pump.ts';
import { rateLimitHeaders } from '../rendering/rate-limit-headers.ts';
import { readWhole } from '../rendering/whole-reading.ts';
import { startCall } from './call-request.ts';
import { type SessionContext, serveSession } from './call-session.ts';
import { CallEventSink } from './call-streams.ts';
import type { Exchange } from './exchange.ts';
import { type CallMessage, callResponse, readCallMessage, tooLarge, toolList } from './messages.ts';
import { ABORTED } from './status.ts';

export const SERVICE = 'mcp.gateway.v1.McpGateway';
/** A call's answer that is larger is watched like a stream. */
const WATCHED_BYTES = 64 * 1024;

/** Serves one RPC; throws, or ends it with, a ToolError. */
export type Method = (exchange: Exchange) => void;

export interface ServiceContext extends SessionContext {
  readonly news: NewsSource;
}

/** The methods by their paths. */
export function gatewayMethods(context: ServiceContext): Readonly<Record<string, Method>> {
  return {
    [`/${SERVICE}/Call`]: (exchange) => takeCall(exchange, context, false, answerCall),
    [`/${SERVICE}/CallStream`]: (exchange) => takeCall(exchange, context, true, streamCall),
    [`/${SERVICE}/CallSession`]: (exchange) => serveSession(exchange, context),
    [`/${SERVICE}/ListTools`]: (exchange) =>
      exchange.receiveOne(() => exchange.succeed(toolList(context.calls.catalogOf(exchange.keyId)))),
    [`/${SERVICE}/WatchTools`]: (exchange) => exchange.receiveOne(() => watchTools(exchange, context)),
  };
}

type Serve = (exchange: Exchange, call: RunningCall, message: CallMessage, context: ServiceContext) => void;

function takeCall(exchange: Exchange, context: ServiceContext, streams: boolean, serve: Serve): void {
  exchange.receiveOne((bytes) => {
    const message = readCallMessage(bytes);
    const started = startCall(message, exchange, context, { streams, timeoutMs: exchange.timeoutMs() });
    const take = (call: RunningCall) => {
      exchange.addHeaders(['x-call-id', call.callId]);
      exchange.addHeaders(rateLimitHeaders(context.calls.quotasOf(exchange.keyId, message.tool)));
      if (call.reading?.isReplay) exchange.addHeaders(['idempotent-replay', 'true']);
      if (!exchange.isOpen) return leave(call, 'cancelled', 'the client left');
      exchange.owesEvents = () => true;
      exchange.onLeft = () => leave(call, 'cancelled', 'the client left');
      exchange.onStall = () => {
        context.log('warning', 'a reader made no progress; its stream was reset', { callId: call.callId });
        leave(call, 'slow_consumer', 'the reader made no progress for too long');
      };
      serve(exchange, call, message, context);
    };
    if (started instanceof Promise) started.then(take).catch((thrown) => exchange.fail(thrown));
    else take(started);
  });
}

/** Ends the RPC with the error of its call (V2). */
function failWith(error: ToolError, exchange: Exchange, call: RunningCall, { calls }: ServiceContext): void {
  const isCutOff = error.code === 'unavailable' && call.hasStarted && calls.isDraining;
  exchange.fail(error, call.callId, isCutOff ? ABORTED : undefined);
}

const answerCall: Serve = (exchange, call, { maxMessageBytes }, context) => {
  const { limits, log } = context;
  const answer = (end: TerminalEvent): void => {
    if (end.type === 'error') return failWith(end.error, exchange, call, context);
    const message = callResponse(call.callId, end);
    if (message.length > maxMessageBytes)
      return exchange.fail(tooLarge('the result', message.length, maxMessageBytes), call.callId);
    if (message.length > WATCHED_BYTES) exchange.watchReader();
    exchange.succeed(message);
  };
  const fail = (error: unknown) => {
    log('error', 'the end of a call could not be answered', { callId: call.callId, error });
    exchange.fail(new ToolError('internal', 'the answer could not be written'), call.callId);
  };
  const guarded = (end: TerminalEvent) => {
    try {
      answer(end);
    } catch (error) {
      fail(error);
    }
  };
  if (call.reading) readWhole(call, limits.maxResultBytes).then((end) => end && guarded(end), fail);
  else call.onEnd(guarded);
};

const streamCall: Serve = (exchange, call, message, context) => {
  const { log } = context;
  exchange.meter.streams++;
  exchange.onClosed = () => {
    exchange.meter.streams--;
  };
  exchange.watchReader();
  const outlet = {
    send: (event: Buffer) => exchange.send(event),
    ready: () => exchange.ready(),
    ended: (error: ToolError | undefined) =>
      error ? failWith(error, exchange, call, context) : exchange.succeed(),
  };
  pumpEvents(call, new CallEventSink(call, outlet, message)).catch((error: unknown) => {
    log('error', 'the events of a call could not be sent', { callId: call.callId, error });
    call.cancel('cancelled', 'the events of the call could not be sent');
    exchange.fail(new ToolError('internal', 'the events of the call could not be sent'), call.callId);
  });
};

/** A client that is behind gets the newest list when it has caught up, and none in between. */
function watchTools(exchange: Exchange, { calls, news, log }: ServiceContext): void {
  exchange.endAtDeadline();
  exchange.watchReader();
  let last: Buffer | undefined;
  let isWaiting = false;
  const tell = () => {
    const behind = exchange.ready();
    if (behind) {
      if (isWaiting) return;
      isWaiting = true;
      behind.then(() => {
        isWaiting = false;
        if (exchange.isOpen) tell();
      });
      return;
    }
    const list = toolList(calls.catalogOf(exchange.keyId));
    if (last?.equals(list)) return;
    last = list;
    exchange.send(list);
  };
  const end = news.subscribe((item) => {
    if (item.type !== 'list-changed' || item.list !== 'tools') return;
    if (item.keyIds && !item.keyIds.has(exchange.keyId)) return;
    try {
      tell();
    } catch (error) {
      log('error', 'the list of tools could not be sent', { error });
    }
  });
  exchange.onClosed = end;
  tell();
}
