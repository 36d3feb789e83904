/**
 * Loaded into a contestant (`--expose-gc --import`), in its process and in each of its threads: on SIGUSR2 all of them
 * collect their garbage, so that a reading of memory tells what is held and not how lazy the collector was.
 */
import { BroadcastChannel, isMainThread } from 'node:worker_threads';

const channel = new BroadcastChannel('collect-garbage');
channel.unref();
channel.onmessage = () => globalThis.gc();
if (isMainThread) {
  process.on('SIGUSR2', () => {
    channel.postMessage(null);
    globalThis.gc();
  });
}
