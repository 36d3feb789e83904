/**
 * The closed list of error codes: every failure a client can see is one of these.
 *
 * E1. There are no user-defined codes; a tool puts free-form data in `details`.
 * E2. Transports render codes from this table alone, so the same failure has the same code everywhere.
 */

/** Whose fault an error is: it decides whether retrying, fixing the request or fixing the tool can help. */
export type Fault = 'caller' | 'gateway' | 'tool';

/** What the table says of one code. */
export interface ErrorCodeInfo {
  /** HTTP status, also sent in SSE, NDJSON and WebSocket error objects. */
  readonly status: number;
  readonly fault: Fault;
  /** Whether the same call may succeed later. `worker_*` become retryable for idempotent or read-only tools. */
  readonly retryable: boolean;
  /** Short human title, `title` of the problem document. */
  readonly title: string;
}

const caller = (status: number, title: string, retryable = false): ErrorCodeInfo => ({
  status,
  fault: 'caller',
  retryable,
  title,
});

export const ERROR_CODES = {
  parse_error: caller(400, 'Malformed JSON'),
  invalid_request: caller(400, 'Invalid request'),
  too_complex: caller(400, 'Request too complex'),
  invalid_arguments: caller(422, 'Invalid arguments'),
  unauthenticated: caller(401, 'Unauthenticated'),
  permission_denied: caller(403, 'Permission denied'),
  tool_not_found: caller(404, 'Tool not found'),
  call_not_found: caller(404, 'Call not found'),
  not_found: caller(404, 'Not found'),
  method_not_allowed: caller(405, 'Method not allowed'),
  not_acceptable: caller(406, 'Not acceptable'),
  payload_too_large: caller(413, 'Payload too large'),
  unsupported_media_type: caller(415, 'Unsupported media type'),
  conflict: caller(409, 'Conflict'),
  failed_precondition: caller(412, 'Failed precondition'),
  duplicate_id: caller(409, 'Duplicate id'),
  rate_limited: caller(429, 'Rate limited', true),
  gone: caller(410, 'Gone'),
  idempotency_mismatch: caller(422, 'Idempotency mismatch'),
  cancelled: caller(499, 'Cancelled'),
  slow_consumer: caller(408, 'Slow consumer', true),
  overloaded: { status: 503, fault: 'gateway', retryable: true, title: 'Overloaded' },
  unavailable: { status: 503, fault: 'gateway', retryable: true, title: 'Unavailable' },
  deadline_exceeded: { status: 504, fault: 'gateway', retryable: true, title: 'Deadline exceeded' },
  tool_failed: { status: 500, fault: 'tool', retryable: false, title: 'Tool failed' },
  result_not_serializable: { status: 500, fault: 'tool', retryable: false, title: 'Result not serializable' },
  result_too_large: { status: 500, fault: 'tool', retryable: false, title: 'Result too large' },
  worker_crashed: { status: 502, fault: 'tool', retryable: false, title: 'Worker crashed' },
  worker_out_of_memory: { status: 502, fault: 'tool', retryable: false, title: 'Worker out of memory' },
  internal: { status: 500, fault: 'gateway', retryable: false, title: 'Internal error' },
} as const satisfies Record<string, ErrorCodeInfo>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Codes a tool may throw; any other code thrown by a tool is reported as `tool_failed`. */
export const TOOL_THROWABLE_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'invalid_arguments',
  'not_found',
  'conflict',
  'failed_precondition',
  'permission_denied',
  'unavailable',
  'tool_failed',
]);
