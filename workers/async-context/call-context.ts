/**
 * Whose call the running code belongs to, so that an error that escapes, or a printed line, finds its call. Kept by
 * AsyncLocalStorage (stored-context.ts) or, where Node makes that dear, by hooks (hooked-context.ts).
 */
export interface CallContext<Owner extends object> {
  /** Begins a call: `work`, and whatever it starts, belongs to `owner`. */
  run<T>(owner: Owner, work: () => T): T;
  /** Runs `work` for a call that has begun; it, and whatever it starts, belongs to `owner` too. */
  enter<T>(owner: Owner, work: () => T): T;
  /** Runs `work`; it, and whatever it starts, belongs to no call. */
  runApart<T>(work: () => T): T;
  /** @param promise whose maker is asked for, where it is about one and not about what runs now. */
  owner(promise?: object): Owner | undefined;
  /** Says that a turn of the event loop begins: of what earlier ones have queued, nothing waits any more. */
  turnBegins(): void;
  /**
   * Says that `owner` yields again and again, and nobody else does in this turn of the event loop. @returns what its loop
   * has to wait for, where the context can be kept in a cheaper way for a while.
   */
  sprint(owner: Owner): Promise<void> | undefined;
}
