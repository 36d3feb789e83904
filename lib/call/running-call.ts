/**
 * A call as a transport asks for it, and as it runs.
 *
 * R1. A call is one AsyncIterable of events; asking for the next event says that the one before is consumed, and
 *     only then may the tool send more (back-pressure).
 * R2. Exactly one terminal event, `result` or `error`, and it is last. The iterable never throws.
 * R3. `cancel` may be called at any time, any number of times: the caller gets its end at once, chunks that are
 *     already in the gateway first, and the runner frees what the call holds behind it.
 */
import type { TerminalEvent, ToolEvent } from './call-events.ts';
import type { Caller, ClientAbilities } from './caller.ts';
import type { CallKind } from './catalog.ts';
import type { LogLevel } from './log-level.ts';
import type { ToolError } from './tool-error.ts';

export type CancelReason = 'cancelled' | 'deadline_exceeded' | 'slow_consumer' | 'unavailable';

/** The request of a client that a call came with; for the log, and for nobody else. */
export interface RequestOrigin {
  /** The `X-Request-Id` of its answer. */
  readonly requestId: string;
  /** Where the client is, as far as proxies that are trusted tell. */
  readonly address: string;
}

/** One call as a transport asks for it. What is absent may be undefined, so that a call can be written as one literal. */
export interface CallRequest {
  readonly kind?: CallKind | undefined;
  readonly name: string;
  readonly arguments: unknown;
  readonly caller: Caller;
  /** Milliseconds from admission, the queue wait included; clamped to the tool's and the gateway's own limit. */
  readonly timeoutMs?: number | undefined;
  /** False: the caller wants only the end, and no chunk or progress event is made. */
  readonly streams: boolean;
  /** Bytes of chunk list that the result may repeat. With `streams: false` a longer list fails the call. */
  readonly repeatBytes: number;
  readonly abilities?: ClientAbilities | undefined;
  /** The least level of `log` events wanted; absent: none. */
  readonly logLevel?: LogLevel | undefined;
  readonly requestMeta?: Readonly<Record<string, unknown>> | undefined;
  /** Chosen by the dispatcher when absent. */
  readonly callId?: string;
  readonly origin?: RequestOrigin | undefined;
  /** True: the call belongs to a list that is being made, and no rate limit counts it. */
  readonly isListing?: boolean;
}

/** One call in flight. */
export interface RunningCall extends AsyncIterable<ToolEvent> {
  readonly callId: string;
  readonly request: CallRequest;
  /** Whether the tool runs or has run. */
  readonly hasStarted: boolean;
  /** Ends the call; see R3. `message` replaces the default text of the error. */
  cancel(reason: CancelReason, message?: string): void;
  /** Answers an `ask` event: a value, or the reason why there is none. */
  answer(ask: number, outcome: { readonly value: unknown } | { readonly error: ToolError }): void;
  /** Called once with the terminal event, as soon as it is known, even when nobody reads the events. */
  onEnd(listener: (end: TerminalEvent) => void): void;
  /** Consumes all events and gives the terminal one. */
  outcome(): Promise<TerminalEvent>;
}
