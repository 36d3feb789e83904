/**
 * Recognises what an `async *` tool, or a tool that returned a generator, gives: an iterator that can be driven.
 */

export function isAsyncIterator(value: unknown): value is AsyncIterator<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Symbol.asyncIterator in value &&
    typeof (value as { next?: unknown }).next === 'function'
  );
}
