/**
 * Recognises what an `async *` tool, or a tool that returned a stream of any kind, gives: something to iterate.
 */

/** The iterator of a generator, a Readable, a ReadableStream or anything else to `for await`; else null. */
export function asyncIteratorOf(value: unknown): AsyncIterator<unknown> | null {
  if (typeof value !== 'object' || value === null) return null;
  const iterate = (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator];
  return typeof iterate === 'function' ? iterate.call(value) : null;
}
