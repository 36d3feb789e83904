/**
 * What becomes of messages that are longer than a client takes. Over stdio that is a line: the clients of the official
 * SDKs drop the connection, and with it every call, at one above 10 MiB. Over HTTP nothing is too long.
 *
 * Z1. A response that is too long is answered with an error in its place, under its id. A notification is left out.
 */
import { ToolError } from '../../call/tool-error.ts';
import { type McpFault, refusalFault } from './fault.ts';

/** Of an error's message that does not fit with its details. */
const MAX_ERROR_LENGTH = 16 * 1024;

/** Whether a text takes more than `maxBytes` in UTF-8. */
export function isTooLong(text: string, maxBytes: number): boolean {
  return text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes;
}

export function tooLong(what: string, maxBytes: number): ToolError {
  const reason = `${what} is longer than the ${maxBytes} bytes that clients take on this transport`;
  return new ToolError('result_too_large', `${reason}; ask for less, or call over HTTP`);
}

/** The fault that answers in place of one that is too long (Z1). */
export const tooLongFault = (what: string, maxBytes: number): McpFault =>
  refusalFault(tooLong(what, maxBytes));

/** An error without what may be long in it. */
export function shortError({ code, message, retryable, retryAfterMs }: ToolError): ToolError {
  const text = message.length > MAX_ERROR_LENGTH ? `${message.slice(0, MAX_ERROR_LENGTH)}…` : message;
  return new ToolError(code, text, { retryable, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
}
