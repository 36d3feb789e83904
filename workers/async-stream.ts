/**
 * What an `async *` tool, or a tool that returned a stream of any kind, gives: something to iterate, and to end early.
 */
import { clearTimeout, setTimeout } from './async-context/own-timers.ts';

/** The iterator of a generator, a Readable, a ReadableStream or anything else to `for await`; else null. */
export function asyncIteratorOf(value: unknown): AsyncIterator<unknown> | null {
  if (typeof value !== 'object' || value === null) return null;
  const iterate = (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator];
  return typeof iterate === 'function' ? iterate.call(value) : null;
}

/** How long an error waits for the finally blocks of the tool that made it. */
const FINALLY_MS = 1000;

/** Lets the iterator run its finally blocks. @returns false when they take longer than FINALLY_MS. */
export async function endEarly(iterator: AsyncIterator<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), FINALLY_MS);
  });
  const ending = Promise.resolve(iterator.return?.()).then(() => true);
  try {
    return await Promise.race([ending, late]);
  } finally {
    clearTimeout(timer);
  }
}
