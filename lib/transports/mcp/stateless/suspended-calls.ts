/**
 * Calls of the stateless era that wait for their client's answers between two requests (`input_required`).
 *
 * C1. The handle (`requestState`) is random, used once, and bound to the key and to the request it was given for.
 * C2. Bounded in number, per key and in all; in time by the call's own deadline, since a call's end removes it.
 */
import { ToolError } from '../../../call/tool-error.ts';
import type { AskEvent, ServedCall } from '../calls/served-call.ts';
import { INVALID_PARAMS, McpFault, refusalFault } from '../fault.ts';
import type { ExtensionTask } from './extension-task.ts';

export interface SuspendedCall {
  readonly served: ServedCall;
  readonly keyId: string;
  /** What the request asked for; the retry must ask for the same. */
  readonly fingerprint: string;
  /** Open questions by the key under which the client answers them. */
  readonly questions: Map<string, AskEvent>;
  /** Told that the call goes on as a task, which takes what it asks from then on. */
  readonly becomeTask: (task: ExtensionTask) => void;
}

const MAX_CALLS = 256;
const MAX_CALLS_PER_KEY = 64;

export class SuspendedCalls {
  readonly #calls = new Map<string, SuspendedCall>();
  readonly #newHandle: () => string;
  readonly #perKey = new Map<string, number>();

  get size(): number {
    return this.#calls.size;
  }

  /** @param newHandle nobody can guess it. */
  constructor(newHandle: () => string) {
    this.#newHandle = newHandle;
  }

  /** Keeps a call. @returns its handle. @throws {McpFault} when too many wait already. */
  keep(call: SuspendedCall): string {
    const ofKey = this.#perKey.get(call.keyId) ?? 0;
    if (this.#calls.size >= MAX_CALLS || ofKey >= MAX_CALLS_PER_KEY) {
      call.served.drop();
      throw refusalFault(
        new ToolError('overloaded', 'too many calls wait for answers', { retryAfterMs: 1000 }),
      );
    }
    const handle = this.#newHandle();
    this.#calls.set(handle, call);
    this.#perKey.set(call.keyId, ofKey + 1);
    call.served.call.onEnd(() => this.#forget(handle));
    return handle;
  }

  /** The call of a handle, still kept. @throws {McpFault} when it is not this client's, not this request's, or over. */
  find(handle: unknown, keyId: string, fingerprint: string): SuspendedCall {
    const call = typeof handle === 'string' ? this.#calls.get(handle) : undefined;
    if (call?.keyId === keyId && call.fingerprint === fingerprint) return call;
    throw new McpFault(
      INVALID_PARAMS,
      'requestState is unknown, used, or its call is over; call again without it',
    );
  }

  /** Hands the call over to the request that takes it up. */
  take(handle: string): void {
    this.#forget(handle);
  }

  close(): void {
    for (const [handle, { served }] of [...this.#calls]) {
      this.#forget(handle);
      served.drop();
    }
  }

  #forget(handle: string): void {
    const call = this.#calls.get(handle);
    if (!call) return;
    this.#calls.delete(handle);
    const ofKey = (this.#perKey.get(call.keyId) ?? 1) - 1;
    if (ofKey === 0) this.#perKey.delete(call.keyId);
    else this.#perKey.set(call.keyId, ofKey);
  }
}
