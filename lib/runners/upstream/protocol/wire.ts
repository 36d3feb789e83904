/**
 * What carries messages to a server and back: the pipes of a process, or HTTP.
 *
 * W1. What comes is told in the order in which it came. Over HTTP every request has a stream of its own: what comes on
 *     it belongs to that request (`via`), and to no other.
 * W2. While a reader is behind the wire is not read (`hold`), so that what waits in memory is bounded.
 * W3. It is told once when it is closed; nothing comes after that.
 */

/** The id under which a request was sent. */
export type RequestId = number;

export interface WireListener {
  /** A message, as text that is JSON or is not. @param via the request on whose own stream it came, where it has one. */
  received(text: string, via: RequestId | undefined): void;
  /** A request cannot be answered any more, though the wire is there. */
  lost(id: RequestId, reason: string): void;
  /** A message was longer than the limit. @param ends what is known of it: how it began, and how it ended. */
  tooLong(ends: { readonly head: string; readonly tail: string }, via: RequestId | undefined): void;
  /** @param reason in words that follow "the server". @param unrun a request that certainly did not run. */
  closed(reason: string, unrun?: RequestId): void;
}

/** What a message is, for wires that send each in its own way. */
export interface Outgoing {
  readonly text: string;
  readonly method?: string | undefined;
  /** Of a request. */
  readonly id?: RequestId | undefined;
  /** The tool, prompt or URI that it is for. */
  readonly name?: string | undefined;
}

export interface Wire {
  /** Whether what is sent now would only wait. */
  readonly isBehind: boolean;
  send(message: Outgoing): void;
  /** Reads on, or does not. @param via over HTTP: of the request whose reader it is alone. */
  hold(isHeld: boolean, via: RequestId): void;
  /** Nobody wants to know any more what becomes of a request. */
  forget(id: RequestId): void;
  /**
   * Whether the server has opened no session; undefined where the wire knows none. One that has not, and one of ours, may
   * be of the stateless era too, where each call says what its caller can be asked.
   */
  readonly isSessionless: boolean | undefined;
  /** The handshake is over, or begins anew in another era. */
  agreed(protocolVersion: string): void;
  /** Ends it, and what is at its other end as far as that is ours; settles when it is gone. */
  close(stepMs?: number): Promise<void>;
  /** Ids of the processes that are ours, the first that started them all. */
  readonly processes: readonly number[];
}

/** Makes a wire; what it tells goes to the listener. */
export type OpenWire = (listener: WireListener) => Wire;
