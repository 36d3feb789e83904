/**
 * The trace that a call belongs to, as W3C's Trace Context and Baggage have it, whatever brought it: HTTP headers, the
 * `trace` of a WebSocket message, `_meta` of an MCP request.
 *
 * T1. Tracing never fails a call: what is no trace context is none.
 */

export interface TraceContext {
  /** Version, trace id, id of the parent span, flags; the form of version 00 is checked. */
  readonly traceparent: string;
  readonly tracestate?: string;
  readonly baggage?: string;
}

const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-.*)?$/;
const LENGTH = 55;
/** What W3C asks everybody to carry. */
const MOST_STATE = 512;
const MOST_BAGGAGE = 8192;
const PRINTABLE = /^[\x20-\x7e]+$/;

/**
 * @param carrier has the three members, or some of them, in whatever form.
 * @returns undefined where there is no good `traceparent`;
 * of the others, what is too long or no text is left out.
 */
export function readTrace(carrier: Readonly<Record<string, unknown>>): TraceContext | undefined {
  const { traceparent, tracestate, baggage } = carrier;
  if (typeof traceparent !== 'string' || !isTraceparent(traceparent)) return undefined;
  const hasState = isText(tracestate, MOST_STATE);
  const hasBaggage = isText(baggage, MOST_BAGGAGE);
  if (!hasState && !hasBaggage) return { traceparent };
  return { traceparent, ...(hasState ? { tracestate } : {}), ...(hasBaggage ? { baggage } : {}) };
}

function isTraceparent(text: string): boolean {
  if (text.length < LENGTH || text.length > MOST_STATE) return false;
  return TRACEPARENT.test(text) && (text.length === LENGTH || !text.startsWith('00'));
}

const isText = (value: unknown, mostLength: number): value is string =>
  typeof value === 'string' && value.length <= mostLength && PRINTABLE.test(value);

/** The id that all spans of a trace share: 32 hexadecimal digits. */
export const traceIdOf = ({ traceparent }: TraceContext): string => traceparent.slice(3, 35);
