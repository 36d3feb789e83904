/**
 * Waits until a claim holds, asking again every few milliseconds; for states that announce themselves by no event.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export async function eventually<T>(
  claim: () => T | Promise<T>,
  { withinMs = 30_000, what = 'the expected state' } = {},
): Promise<T> {
  const until = performance.now() + withinMs;
  for (;;) {
    const value = await claim();
    if (value) return value;
    if (performance.now() > until) throw new Error(`${what} did not come within ${withinMs} ms`);
    await sleep(5);
  }
}
