/**
 * Where the messages that belong to one request go: an HTTP response, a stream that a client resumes, or stdout.
 *
 * O1. After `respond` or `abandon` nothing more is written for the request.
 * O2. The response is never in one write with the notification before it: clients that read both at once drop the
 *     notification.
 * O3. Who sends many messages asks `ready` before each: it is the back-pressure of MCP.
 */
import type { McpFault } from './fault.ts';

/** Writes a message again, the same to the letter, from what is kept of its call; so that the text need not be kept. */
export type Again = () => string;

/** How much of a call a client has: enough to go on from there at another gateway. */
export interface ToldSoFar {
  /** The number of the last event of the call. */
  readonly seq: number;
  /** The last value of progress; undefined: none was told. */
  readonly progress?: number | undefined;
}

export interface Outlet {
  /**
   * Names the call that answers the request, before anything is written.
   * @param headers that belong to it where HTTP answers, names and values in turn.
   */
  named(callId: string, headers: readonly string[]): void;
  /** Commits to streaming, so that a slow call shows a sign of life; a no-op where there is nothing to commit. */
  open(): void;
  /**
   * Writes a message (JSON text) that is not the response.
   * @param again where it can be made once more. @param told how much of its call the client has with it.
   */
  send(text: string, again?: Again, told?: ToldSoFar): void;
  /** Undefined: go on. Else a promise that settles when the client took what it was sent, or is gone. */
  ready(): Promise<void> | undefined;
  /** Writes the response (JSON text) and ends; status and headers count only where HTTP has sent nothing yet. */
  respond(text: string, fault?: McpFault, again?: Again): void;
  /** Ends without a response. */
  abandon(): void;
}
