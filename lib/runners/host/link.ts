/**
 * What a host and its gateway talk over: a pipe between two processes, or whatever else carries frames both ways.
 *
 * L1. Frames arrive in the order they were sent in, in batches, or the link closes.
 * L2. It closes once, after the last batch; nothing is received after that. What is sent may still arrive: a side that
 *     has said all that it had to say may listen on.
 */
export interface Link<Sent, Received> {
  /** Sends frames together; what a closed link is given is dropped. @throws {Error} for what cannot be sent; nothing is, then. */
  send(frames: readonly Sent[]): void;
  /** Once, before anything is received. */
  listen(listener: LinkListener<Received>): void;
  /** Sends what was given, then closes. */
  close(): void;
}

export interface LinkListener<Received> {
  received(frames: readonly Received[]): void;
  /** @param error what broke it; null where the other side closed it, or this one did. */
  closed(error: Error | null): void;
}
