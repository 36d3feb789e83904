/**
 * Spans of calls by OpenTelemetry, after its semantic conventions for MCP (development status): a SERVER span for each
 * call, with the children `queue` and `run`.
 *
 * S1. Spans are written on the gateway's thread alone; a tool gets the context of `run`, and may make children of it.
 * S2. The parent is the trace that the call's own message names (`_meta`, a WebSocket message); the span or header of the
 *     HTTP request around it is linked then, and the parent elsewhere.
 * S3. Arguments, results and chunks are in no span, and no event is written for a chunk.
 * S4. A call that an equal one's run has answered has no `run`, and says so.
 * S5. What the SDK, or a part of it, throws harms no call; it is told once.
 */
import {
  type Attributes,
  type Context,
  context,
  createTraceState,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { TerminalEvent } from '../../call/call-events.ts';
import type { CallTracer, TracedCall } from '../../call/call-tracer.ts';
import type { CallKind } from '../../call/catalog.ts';
import { errorTypeOf, rpcCodeOf } from '../../call/rpc-code.ts';
import type { CallRequest } from '../../call/running-call.ts';
import { type TraceContext, traceIdOf } from '../../call/trace-context.ts';

type Guard = <T>(work: () => T) => T | undefined;

export class OtelTracer implements CallTracer {
  readonly #tracer: Tracer;
  readonly #onFailure: (error: unknown) => void;
  #hasFailed = false;

  /** @param version of the gateway. @param onFailure told the first time that the SDK throws. */
  constructor(version: string, onFailure: (error: unknown) => void) {
    this.#tracer = trace.getTracer('mcp-streaming-gateway', version);
    this.#onFailure = onFailure;
  }

  begin(request: CallRequest, kind: CallKind, callId: string): TracedCall {
    const untraced = request.trace ?? request.origin?.trace;
    return (
      this.#guard(() => new OtelCall(this.#tracer, this.#guard, request, kind, callId)) ?? {
        trace: untraced,
        runs: () => untraced,
        ended() {},
      }
    );
  }

  readonly #guard: Guard = (work) => {
    try {
      return work();
    } catch (error) {
      if (!this.#hasFailed) this.#onFailure(error);
      this.#hasFailed = true;
      return undefined;
    }
  };
}

class OtelCall implements TracedCall {
  readonly trace: TraceContext | undefined;
  readonly #tracer: Tracer;
  readonly #guard: Guard;
  readonly #kind: CallKind;
  readonly #isRpc: boolean;
  readonly #baggage: string | undefined;
  readonly #span: Span;
  /** What the call's parts are children of. */
  readonly #context: Context;
  readonly #startedAt = Date.now();
  readonly #startedBy = performance.now();
  #run: Span | undefined;

  constructor(tracer: Tracer, guard: Guard, request: CallRequest, kind: CallKind, callId: string) {
    this.#tracer = tracer;
    this.#guard = guard;
    this.#kind = kind;
    this.#isRpc = request.rpc !== undefined;
    const { parent, links } = placeOf(request);
    this.#baggage = (request.trace ?? request.origin?.trace)?.baggage;
    const attributes = attributesOf(request, kind, callId);
    const options = { kind: SpanKind.SERVER, attributes, links, startTime: this.#startedAt };
    this.#span = tracer.startSpan(nameOf(request, kind), options, parent);
    this.#context = trace.setSpan(parent, this.#span);
    this.trace = this.#told(this.#span);
  }

  /** Milliseconds since 1970, as finely as they can be told, and never less than before. */
  #now(): number {
    return this.#startedAt + performance.now() - this.#startedBy;
  }

  runs(): TraceContext | undefined {
    return this.#guard(() => this.#beginRun()) ?? this.trace;
  }

  #beginRun(): TraceContext | undefined {
    if (!this.#span.isRecording()) return this.trace;
    const now = this.#now();
    // It had a thread already, which died with it.
    if (this.#run) endWith(this.#run, 'worker_crashed', now);
    else this.#writeQueue(now);
    this.#run = this.#tracer.startSpan('run', { startTime: now }, this.#context);
    return this.#told(this.#run);
  }

  #writeQueue(until: number): void {
    this.#tracer.startSpan('queue', { startTime: this.#startedAt }, this.#context).end(until);
  }

  ended(end: TerminalEvent, hasRun: boolean): void {
    this.#guard(() => this.#end(end, hasRun));
  }

  #end(end: TerminalEvent, hasRun: boolean): void {
    const span = this.#span;
    const now = this.#now();
    span.setAttribute('mcp_gateway.chunks', end.chunks);
    if (hasRun && !this.#run) span.setAttribute('mcp_gateway.answer.shared', true);
    if (end.type === 'result') {
      this.#run?.end(now);
      span.end(now);
      return;
    }
    const { error, durationMs } = end;
    if (this.#run) endWith(this.#run, error.code, now);
    else if (durationMs > 0 && span.isRecording()) this.#writeQueue(now);
    const rpcCode = this.#isRpc ? rpcCodeOf(error, this.#kind, hasRun) : undefined;
    if (typeof rpcCode === 'number' && error.code !== 'cancelled')
      span.setAttribute('rpc.response.status_code', String(rpcCode));
    span.setAttribute('mcp_gateway.error.code', error.code);
    endWith(span, errorTypeOf(error.code, rpcCode), now, error.message);
  }

  #told(span: Span): TraceContext | undefined {
    const { traceId, spanId, traceFlags, traceState } = span.spanContext();
    const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
    const tracestate = traceState?.serialize();
    return {
      traceparent,
      ...(tracestate ? { tracestate } : {}),
      ...(this.#baggage === undefined ? {} : { baggage: this.#baggage }),
    };
  }
}

/** Who gives up is no failure of what was called. */
function endWith(span: Span, errorType: string, at: number, message?: string): void {
  span.setAttribute('error.type', errorType);
  if (errorType !== 'cancelled')
    span.setStatus({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) });
  span.end(at);
}

/** Where a call belongs (S2). */
function placeOf({ trace: own, origin }: CallRequest): { parent: Context; links: Link[] } {
  const active = context.active();
  const around = trace.getSpanContext(active) ?? (origin?.trace && spanContextOf(origin.trace));
  if (!own) {
    if (trace.getSpanContext(active) || !origin?.trace) return { parent: active, links: [] };
    return { parent: contextOf(origin.trace), links: [] };
  }
  const isApart = around !== undefined && around.spanId !== own.traceparent.slice(36, 52);
  return { parent: contextOf(own), links: isApart ? [{ context: around }] : [] };
}

function contextOf(told: TraceContext): Context {
  const { baggage } = told;
  const base = baggage === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, { baggage });
  return trace.setSpanContext(base, spanContextOf(told));
}

function spanContextOf(told: TraceContext): SpanContext {
  const { traceparent, tracestate } = told;
  return {
    traceId: traceIdOf(told),
    spanId: traceparent.slice(36, 52),
    traceFlags: Number.parseInt(traceparent.slice(53, 55), 16),
    isRemote: true,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  };
}

/** `tools/call NAME`; `execute_tool NAME` where the call came by another protocol. A URI is no name: there are too many. */
function nameOf({ rpc, name }: CallRequest, kind: CallKind): string {
  const operation = rpc?.method ?? OPERATIONS[kind];
  return kind === 'tool' || kind === 'prompt' ? `${operation} ${name}` : operation;
}

const OPERATIONS: Readonly<Record<CallKind, string>> = {
  tool: 'execute_tool',
  prompt: 'get_prompt',
  resource: 'read_resource',
  completion: 'complete',
};

function attributesOf(
  { rpc, origin, caller, name }: CallRequest,
  kind: CallKind,
  callId: string,
): Attributes {
  const attributes: Attributes = {
    'mcp_gateway.call.id': callId,
    'mcp_gateway.transport': caller.transport,
  };
  if (kind === 'tool') {
    attributes['gen_ai.operation.name'] = 'execute_tool';
    attributes['gen_ai.tool.name'] = name;
  } else if (kind === 'prompt') attributes['gen_ai.prompt.name'] = name;
  if (origin) {
    attributes['network.transport'] = 'tcp';
    attributes['client.address'] = origin.address;
  }
  if (!rpc) return attributes;
  if (!origin) attributes['network.transport'] = 'pipe';
  attributes['mcp.method.name'] = rpc.method;
  attributes['jsonrpc.request.id'] = String(rpc.id);
  attributes['mcp.protocol.version'] = rpc.protocolVersion;
  if (rpc.sessionId !== undefined) attributes['mcp.session.id'] = rpc.sessionId;
  return attributes;
}
