/**
 * A call as a transport asks for it, and as it runs.
 *
 * R1. A call is one AsyncIterable of events; asking for the next event says that the one before is consumed, and
 *     only then may the tool send more (back-pressure).
 * R2. Exactly one terminal event, `result` or `error`, and it is last. The iterable never throws.
 * R3. A call that is kept (`keep`) has one reader at a time, and this interface is what that reader has of it. A newer
 *     one takes over: the older is told `conflict` as its end (`isMoved`).
 * R4. `cancel` may be called at any time, any number of times: the caller gets its end at once, chunks that are
 *     already in the gateway first, and the runner frees what the call holds behind it.
 */
import type { TerminalEvent, ToolEvent } from './call-events.ts';
import type { Caller, ClientAbilities } from './caller.ts';
import type { CallKind } from './catalog.ts';
import type { LogLevel } from './log-level.ts';
import type { ToolError } from './tool-error.ts';
import type { TraceContext } from './trace-context.ts';

export type CancelReason = 'cancelled' | 'deadline_exceeded' | 'slow_consumer' | 'unavailable';

/** How a call is kept for readers who come back, or ask again. */
export interface Keeping {
  /** How long the call goes on when its reader has left, in milliseconds; undefined: it is cancelled then. */
  readonly detachMs: number | undefined;
  /** Bytes of chunk list that the result of a streamed reading repeats. */
  readonly repeatBytes: number;
  /** True: its reader knows how to go on with it at any gateway, so that one that is going may send it there. */
  readonly comesBack?: boolean;
}

/** The request of a client that a call came with; for the log and for traces, and for nobody else. */
export interface RequestOrigin {
  /** The `X-Request-Id` of its answer. */
  readonly requestId: string;
  /** Where the client is, as far as proxies that are trusted tell. */
  readonly address: string;
  /** Of its headers. */
  readonly trace?: TraceContext | undefined;
}

/** The JSON-RPC request that a call came with, and its connection; for traces and metrics, and for nobody else. */
export interface RpcOrigin {
  readonly method: string;
  readonly id: string | number;
  readonly protocolVersion: string;
  readonly sessionId?: string | undefined;
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
  /** True: every report of progress is wanted, as often as a server of MCP makes one. */
  readonly everyProgress?: boolean | undefined;
  /** Bytes of chunk list that the result may repeat. With `streams: false` a longer list fails the call. */
  readonly repeatBytes: number;
  readonly abilities?: ClientAbilities | undefined;
  /** The least level of `log` events wanted; absent: none. */
  readonly logLevel?: LogLevel | undefined;
  readonly requestMeta?: Readonly<Record<string, unknown>> | undefined;
  /** Present: its events are numbered and kept for a while. Absent: who leaves cancels it, and nothing is kept. */
  readonly keep?: Keeping | undefined;
  /** Chosen by the dispatcher when absent. */
  readonly callId?: string;
  /** When the dispatcher took it in, in milliseconds since 1970. */
  readonly madeAt?: number;
  /** The call is not to be made after that time, in milliseconds since 1970: its idempotency key is free again then. */
  readonly claimedUntil?: number | undefined;
  readonly origin?: RequestOrigin | undefined;
  /** Absent: it came by another protocol. */
  readonly rpc?: RpcOrigin | undefined;
  /** The trace that its own message names; it wins over that of `origin`. */
  readonly trace?: TraceContext | undefined;
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
  /**
   * Calls `listener` once, when the call has ended and nothing of it runs any more: a cancelled tool may take its time.
   * For one listener. Absent: that is when it ends.
   */
  onRelease?(listener: () => void): void;
  /** How often its tool was run again after a crash. Absent: never. */
  readonly retries?: number;
  /** Consumes all events and gives the terminal one. */
  outcome(): Promise<TerminalEvent>;
  /** Only of a kept call: what its reader knows, and says when it leaves. */
  readonly reading?: Reading;
}

/** One reader's way through the events of a kept call. */
export interface Reading {
  /**
   * The number of the last event that its client has seen; -1: none. Absent: it came for the whole call, at its start or
   * by the call's idempotency key.
   */
  readonly after?: number | undefined;
  /** True: the call had been made before, with the same idempotency key. */
  readonly isReplay: boolean;
  /** True: its client has seen all of the call, the closing event included. */
  readonly isOver: boolean;
  /** The reader is gone: unless the call waits for another, it is cancelled for this reason. */
  leave(reason: CancelReason, message: string): void;
}

/** Says that nobody reads a call any more; one that is not kept is cancelled. */
export function leave(
  call: Pick<RunningCall, 'cancel' | 'reading'>,
  reason: CancelReason,
  message: string,
): void {
  if (call.reading) call.reading.leave(reason, message);
  else call.cancel(reason, message);
}
