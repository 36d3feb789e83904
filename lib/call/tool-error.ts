/**
 * The one error class, on both sides of the port and at every transport.
 *
 * T1. A ToolError is recognised by a `Symbol.for` brand, never by `instanceof`: under npx two copies of this
 *     package meet in one thread, and `instanceof` fails between them.
 * T2. `message` and `details` reach the caller; `cause` reaches only the gateway's log.
 * T3. Errors cross the port as plain data (`WireError`): structured clone drops class, code and own fields.
 */
import { ERROR_CODES, type ErrorCode } from './error-code.ts';

const BRAND = Symbol.for('mcp-streaming-gateway.ToolError');

/** An error as plain data, the form that crosses the port. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly details?: unknown;
  readonly retryAfterMs?: number;
  /** Stack and causes, for the gateway's log only; never rendered to a client. */
  readonly cause?: string;
}

export interface ToolErrorOptions {
  /** Free-form JSON data for the caller. */
  readonly details?: unknown;
  /** How long the caller should wait before trying again, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Overrides the table's default for the code. */
  readonly retryable?: boolean;
  /** What went wrong underneath; logged, never sent. */
  readonly cause?: unknown;
}

/**
 * A failure with a code from the closed list.
 *
 * @example throw new ToolError('not_found', 'journey 7 does not exist');
 */
export class ToolError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly details?: unknown;
  readonly retryAfterMs?: number;

  constructor(code: ErrorCode, message: string, options: ToolErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ToolError';
    this.code = code;
    this.retryable = options.retryable ?? ERROR_CODES[code]?.retryable ?? false;
    if (options.details !== undefined) this.details = options.details;
    if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** HTTP status of this error's code. */
  get status(): number {
    return ERROR_CODES[this.code].status;
  }

  static is(value: unknown): value is ToolError {
    return typeof value === 'object' && value !== null && BRAND in value;
  }

  /** Wraps anything thrown: a ToolError stays itself, all else becomes `code` with `message`, its cause kept. */
  static from(thrown: unknown, code: ErrorCode, message: string): ToolError {
    return ToolError.is(thrown) ? thrown : new ToolError(code, message, { cause: thrown });
  }

  static toWire(error: ToolError): WireError {
    return {
      code: error.code,
      message: error.message,
      retryable: error.retryable,
      ...(error.details === undefined ? {} : { details: error.details }),
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
      ...(error.cause === undefined ? {} : { cause: describeThrown(error.cause) }),
    };
  }

  static fromWire(wire: WireError): ToolError {
    return new ToolError(wire.code, wire.message, {
      retryable: wire.retryable,
      ...(wire.details === undefined ? {} : { details: wire.details }),
      ...(wire.retryAfterMs === undefined ? {} : { retryAfterMs: wire.retryAfterMs }),
      ...(wire.cause === undefined ? {} : { cause: wire.cause }),
    });
  }
}

/** Any thrown value as text for the log: the stack of an Error, else the value itself; never throws. */
export function describeThrown(thrown: unknown): string {
  try {
    if (thrown instanceof Error) {
      const cause = thrown.cause === undefined ? '' : `\ncaused by: ${describeThrown(thrown.cause)}`;
      return `${thrown.stack ?? `${thrown.name}: ${thrown.message}`}${cause}`;
    }
    return typeof thrown === 'string' ? thrown : `${typeof thrown}: ${String(thrown)}`;
  } catch {
    return 'a thrown value that cannot be described';
  }
}
