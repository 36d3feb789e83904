/**
 * What an `async *` tool, or a tool that returned a stream of any kind, gives: something to iterate, and to end early.
 */
import { clearTimeout, setTimeout } from './async-context/own-timers.ts';
import { asyncIterator, NativePromise } from './intrinsics/captured.ts';

/** The iterator of a generator, a Readable, a ReadableStream or anything else to `for await`; else null. */
export function asyncIteratorOf(value: unknown): AsyncIterator<unknown> | null {
  if (typeof value !== 'object' || value === null) return null;
  const iterate = (value as Partial<AsyncIterable<unknown>>)[asyncIterator];
  return typeof iterate === 'function' ? iterate.call(value) : null;
}

/** How long an error waits for the finally blocks of the tool that made it. */
const FINALLY_MS = 1000;

/** Lets the iterator run its finally blocks. @returns false when they take longer than FINALLY_MS. */
export function endEarly(iterator: AsyncIterator<unknown>): Promise<boolean> {
  return new NativePromise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), FINALLY_MS);
    void (async () => {
      try {
        await iterator.return?.();
        resolve(true);
      } catch (error) {
        reject(error);
      } finally {
        clearTimeout(timer);
      }
    })();
  });
}
