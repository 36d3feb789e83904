/**
 * What a supervisor and its gateway tell each other over the child's channel.
 */

export type ToGateway =
  /** Comes first; with the listening socket, where an earlier gateway has bound one. */
  | { readonly type: 'begin' }
  /** End what runs, then exit; `reason` is told to people. */
  | { readonly type: 'stop'; readonly reason: string }
  /** Exit at once. */
  | { readonly type: 'stop-now' };

export type ToSupervisor =
  /** Comes with the listening socket that the first gateway has bound. */
  | { readonly type: 'bound' }
  /** It serves. `repeatable` are the tools of which a call that was cut off may be made again. */
  | { readonly type: 'ready'; readonly repeatable: readonly string[] };

/** The descriptors on which a gateway speaks with its client over stdio. */
export const CLIENT_INPUT = 3;
export const CLIENT_OUTPUT = 4;

/** A socket as it crosses the channel. */
export type SocketHandle = object;
