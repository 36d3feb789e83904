/**
 * The dispatcher as transports see it: what can be called, and the call. Everything about runners, observers and
 * draining is the gateway's.
 */
import type { Caller } from '../call/caller.ts';
import type { Catalog, ToolDescriptor } from '../call/catalog.ts';
import type { CallRequest, RunningCall } from '../call/running-call.ts';
import { ToolError } from '../call/tool-error.ts';
import type { Quota } from './call-rates.ts';
import type { CallState, ResumePoint } from './history/call-history.ts';

export { newCallId } from './admitted-call.ts';
export { type CallState, callNotFound } from './history/call-history.ts';

/** What makes a request the same call as another of its caller: the key, and the body that has to be the same. */
export interface Idempotency {
  readonly key: string;
  /** As parsed JSON. */
  readonly body: unknown;
}

export interface Calls {
  /** What a key may call now; a reload replaces it, and so does what the key may use. */
  catalogOf(keyId: string): Catalog;
  /** True once new calls are refused, since the gateway closes. */
  readonly isDraining: boolean;
  /** What they are refused with, which says when the gateway is gone at the latest; undefined before. */
  readonly drainRefusal: ToolError | undefined;
  /** Why it is not known what there is: a tool that is not found may exist. Undefined: it is known. */
  readonly catalogTrouble: ToolError | undefined;
  /** Looks a tool up by name; one that the key may not use is not there. */
  tool(name: string, keyId: string): ToolDescriptor | undefined;
  /**
   * What is left of the rate limits that hold for a call by this key; empty where none does.
   * @param tool undefined: a call of something else.
   */
  quotasOf(keyId: string, tool: string | undefined): readonly Quota[];
  /**
   * Starts a call. Never throws: a refused call's only event is its error.
   * @param fault what the caller has found wrong with the request, which refuses it.
   */
  call(request: CallRequest, fault?: ToolError): RunningCall;
  /**
   * Makes a call once: with the same key, tool and body the same call is read, and never run again.
   * @throws {ToolError} idempotency_mismatch, `gone`, overloaded, as `CallHistory.once` does.
   */
  callOnce(request: CallRequest, idempotency: Idempotency): Promise<RunningCall>;
  /**
   * Goes on reading a call that is kept; whoever read it before is told that it has moved.
   * @throws {ToolError} call_not_found, `gone`, invalid_request, as `CallHistory.resume` does.
   */
  resume(point: ResumePoint): Promise<RunningCall>;
  /**
   * Takes a call that is kept from its reader, who is told that it has moved; it waits for another.
   * @throws {ToolError} call_not_found, failed_precondition, as `CallHistory.release` does.
   */
  release(callId: string, keyId: string): Promise<void>;
  /** Asks for the news of a resource. @returns what ends that. */
  watch(uri: string): () => void;
  /** The session that `caller.session` names has ended. */
  sessionEnded(caller: Caller): void;
  /** A call of this key that runs, or is kept. */
  find(callId: string, keyId: string): Promise<CallState | undefined>;
  /** The calls of tools of this key that run, or are kept. */
  list(keyId: string): Promise<readonly CallState[]>;
  /**
   * Cancels a running call on behalf of `keyId`.
   * @returns false when there is no such call in flight, or it is another key's.
   */
  cancel(callId: string, keyId: string): boolean;
  /** The same, of a call that may run on another gateway. */
  cancelAnywhere(callId: string, keyId: string): Promise<boolean>;
}

/** So many names are given for one that is unknown. */
const NAMES_SHOWN = 20;

/**
 * The error of a call to a name that no loaded module defines, or that its key may not use.
 * @param catalog as the key sees it: no other name is told.
 */
export function toolNotFound(name: string, { tools }: Catalog): ToolError {
  const names = tools.slice(0, NAMES_SHOWN).map((tool) => tool.name);
  const known = `${names.join(', ')}${tools.length > names.length ? ', …' : ''}` || '(none)';
  // A lone surrogate is no text, and may not be told back.
  const asked = JSON.stringify(name.replace(/\p{Surrogate}/gu, '\ufffd'));
  return new ToolError('tool_not_found', `there is no tool ${asked}; the tools are: ${known}`);
}

/** The error of a call to a gateway that closes. @param leftMs until it is gone at the latest, in milliseconds. */
export const shuttingDown = (leftMs: number): ToolError =>
  new ToolError('unavailable', 'the gateway is shutting down; call again in a moment', {
    retryAfterMs: Math.max(1000, Math.ceil(leftMs)),
  });
