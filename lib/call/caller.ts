/**
 * Who makes a call, and what its client can answer.
 */

/** Who made the call. `keyId` is a stable public name of the API key (a hash prefix), never the key. */
export interface Caller {
  readonly keyId: string;
  /** The name of the transport that the call came through, such as `sse` or `mcp-http`. */
  readonly transport: string;
  /** What its client's session is known by, where it has one: never told to anybody. */
  readonly session?: string;
}

/** What the caller's client can do for a running tool (MCP elicitation and sampling). */
export interface ClientAbilities {
  readonly elicitForm?: boolean;
  readonly elicitUrl?: boolean;
  readonly sample?: boolean;
  readonly roots?: boolean;
}
