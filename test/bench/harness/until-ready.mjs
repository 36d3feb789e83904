/** The gateway answers as soon as its first thread can; the others still start then, and take the CPU from it. */
import { delay } from './contestant.mjs';

const READY_LIMIT_MS = 20_000;
const POLL_MS = 50;

/** Waits until a gateway has so many threads, all of them ready. */
export async function untilReady(contestant, threads) {
  const deadline = performance.now() + READY_LIMIT_MS;
  for (;;) {
    const { workers } = await (await fetch(`${contestant.url}/health`)).json();
    if (workers.alive === threads && workers.starting === 0) return;
    if (performance.now() > deadline)
      throw new Error(`${threads} threads are not ready: ${JSON.stringify(workers)}`);
    await delay(POLL_MS);
  }
}
