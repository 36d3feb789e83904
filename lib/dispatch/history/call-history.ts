/**
 * The history of calls: their events, for readers who come back, and the idempotency keys that they were made with.
 *
 * H1. Asynchronous wherever what is asked for may be elsewhere: a call need not run in this process, nor its history be
 *     in this memory.
 * H2. No reader ever runs a tool. A call belongs to the key that made it: to any other key there is none.
 * H3. A call has one reader; a newer one takes over.
 */
import type { TerminalEvent } from '../../call/call-events.ts';
import type { RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';

/** A call as it stands. */
export interface CallState {
  readonly callId: string;
  readonly tool: string;
  /** Whether its tool runs or has run. */
  readonly hasStarted: boolean;
  /** Chunks so far. */
  readonly chunks: number;
  /** When it was made, in milliseconds since 1970. */
  readonly madeAt: number;
  /** Once it has ended. */
  readonly end?: TerminalEvent | undefined;
}

/** From where somebody wants to read a call. */
export interface ResumePoint {
  readonly callId: string;
  /** Who asks. */
  readonly keyId: string;
  /** The number of the last event that is known already; -1: none is. */
  readonly after: number;
}

/** What makes two requests the same call. */
export interface Claim {
  readonly keyId: string;
  readonly key: string;
  /** Of the tool and the body. */
  readonly fingerprint: string;
  /** Whether its caller wants the events, or only the end. */
  readonly streams: boolean;
}

export interface CallHistory {
  /** The longest that a call goes on without a reader, in milliseconds. */
  readonly detachMaxMs: number;
  /** Chunks of all kept calls since the start. */
  readonly chunks: number;
  /**
   * Keeps a call from its start.
   * @param streams whether its first reader wants the events, or only the end.
   * @returns that reader.
   */
  keep(call: RunningCall, streams: boolean): RunningCall;
  /**
   * Takes a call over.
   * @throws {ToolError} call_not_found; `gone` when some of what follows is no longer kept; invalid_request when it has
   * not come that far.
   */
  resume(point: ResumePoint): Promise<RunningCall>;
  /**
   * Takes a call from its reader, so that it waits for another; a reader that goes on later misses nothing.
   * @throws {ToolError} call_not_found; failed_precondition where it does not wait for readers.
   */
  release(callId: string, keyId: string): Promise<void>;
  /** @returns undefined for what is not kept, or another key's. */
  find(callId: string, keyId: string): Promise<CallState | undefined>;
  /** The calls of a key that run or have ended, oldest first. */
  list(keyId: string): Promise<readonly CallState[]>;
  /**
   * Makes a call once: who comes later with the same claim takes it over. A call that was refused before its tool ran
   * leaves no trace.
   * @param start makes the call with this id, and has it kept; called at most once.
   * @throws {ToolError} idempotency_mismatch; `gone` when the call's events are no longer kept; overloaded when the key
   * has too many claims.
   */
  once(claim: Claim, callId: string, start: (claimedUntil?: number) => RunningCall): Promise<RunningCall>;
  /** Cancels a call that runs elsewhere. Absent: none does. @returns whether there was one of that key. */
  cancel?(callId: string, keyId: string): Promise<boolean>;
  /** Whether a call has ended elsewhere; false where that cannot be found out. Absent: none does. */
  hasEnded?(callId: string): Promise<boolean>;
  /** Forgets everything. */
  close(): void;
}

export const callNotFound = (callId: string): ToolError =>
  new ToolError('call_not_found', `no call ${JSON.stringify(callId)} of yours is kept`);
