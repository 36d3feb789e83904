/**
 * The one error class, on both sides of the port and at every transport.
 *
 * T1. A ToolError is recognised by a `Symbol.for` brand, never by `instanceof`: under npx two copies of this
 *     package meet in one thread, and `instanceof` fails between them.
 * T2. `message` and `details` reach the caller; `cause` reaches the gateway's log and who observes it in code, never a client.
 * T3. Errors cross the port as plain data (`WireError`): structured clone drops class, code and own fields.
 * T4. Made and described by built-ins taken when this was loaded, and of own fields only: on a thread, tools may replace
 *     the former, and put what they like on `Object.prototype`.
 */
import { ERROR_CODES, type ErrorCode } from './error-code.ts';

const BRAND = Symbol.for('mcp-streaming-gateway.ToolError');
const BRANDED: PropertyDescriptor = Object.assign(Object.create(null), { value: true });

const { defineProperty, hasOwn } = Object;
const { apply } = Reflect;
const { slice } = String.prototype;
const toText = String;
const NativeError = Error;

/** A field that is there, and is the object's own. */
function own<T extends object, K extends keyof T>(object: T, key: K): T[K] | undefined {
  return hasOwn(object, key) ? object[key] : undefined;
}

/** An error as plain data, the form that crosses the port. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly details?: unknown;
  readonly retryAfterMs?: number;
  /** Stack and causes, for the gateway's log and observers; never rendered to a client. */
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
  override readonly name = 'ToolError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly details?: unknown;
  readonly retryAfterMs?: number;

  constructor(code: ErrorCode, message: string, options: ToolErrorOptions = {}) {
    const cause = own(options, 'cause');
    const details = own(options, 'details');
    const retryAfterMs = own(options, 'retryAfterMs');
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.retryable = own(options, 'retryable') ?? own(ERROR_CODES, code)?.retryable ?? false;
    if (details !== undefined) this.details = details;
    if (retryAfterMs !== undefined) this.retryAfterMs = retryAfterMs;
    defineProperty(this, BRAND, BRANDED);
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
    const cause = own(error, 'cause');
    return {
      code: error.code,
      message: error.message,
      retryable: error.retryable,
      ...(error.details === undefined ? {} : { details: error.details }),
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
      ...(cause === undefined ? {} : { cause: describeThrown(cause) }),
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

/** A chain of causes may be of any length, and lead back to itself. */
const MOST_CAUSES = 8;
/** What a thrown value may take of the log, and on its way there. */
const MOST_CHARACTERS = 64 * 1024;

/**
 * Any thrown value as text for the log: the stack of an Error and of what caused it, eight causes deep, else the value
 * itself; its first 64 Ki characters. Never throws.
 */
export function describeThrown(thrown: unknown): string {
  const story = storyOf(thrown, 0);
  return story.length <= MOST_CHARACTERS ? story : `${apply(slice, story, [0, MOST_CHARACTERS - 1])}…`;
}

/**
 * For an error that is kept when all that had to be said of its making is said. Until somebody reads its stack, V8 holds
 * every object that was on it, as the call and its connection; from here on it says its name and message alone, and the
 * stacks of its causes have been read. Never throws.
 */
export function forgetStack(error: ToolError): void {
  Reflect.set(error, 'stack', `${error.name}: ${error.message}`);
  if (error.cause !== undefined) describeThrown(error.cause);
}

function storyOf(thrown: unknown, depth: number): string {
  try {
    if (thrown instanceof NativeError) {
      const { cause } = thrown;
      const below = cause === undefined ? '' : depth === MOST_CAUSES ? '…' : storyOf(cause, depth + 1);
      const stack = thrown.stack ?? `${thrown.name}: ${thrown.message}`;
      return below === '' ? `${stack}` : `${stack}\ncaused by: ${below}`;
    }
    return typeof thrown === 'string' ? thrown : `${typeof thrown}: ${toText(thrown)}`;
  } catch {
    return 'a thrown value that cannot be described';
  }
}
