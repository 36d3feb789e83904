/**
 * The gateway's end of a thread's port, where frames are packed (port/packing.ts).
 *
 * P1. What a message holds behind what can be no frame is not looked at: a tool that reaches the port could post a list that
 *     is said to be four thousand million long.
 */
import type { MessagePort } from 'node:worker_threads';
import type { HostFrame } from '../port/frames.ts';
import { packed, unpacked } from '../port/packing.ts';
import type { ThreadPort } from '../thread-source.ts';

export class PackingPort implements ThreadPort {
  readonly #port: MessagePort;
  readonly #taken: Int32Array<SharedArrayBuffer>;

  /** @param taken where messages that were taken in are counted, for the thread to see. */
  constructor(port: MessagePort, taken: Int32Array<SharedArrayBuffer>) {
    this.#port = port;
    this.#taken = taken;
  }

  on(_event: 'message', listener: (frames: unknown) => void): void {
    this.#port.on('message', (posted: unknown) => {
      Atomics.add(this.#taken, 0, 1);
      listener(Array.isArray(posted) ? framesIn(posted) : posted);
    });
  }

  once(_event: 'close', listener: () => void): void {
    this.#port.once('close', listener);
  }

  postMessage(frames: readonly HostFrame[]): void {
    this.#port.postMessage(frames.map(packed));
  }

  close(): void {
    this.#port.close();
  }
}

function framesIn(posted: readonly unknown[]): unknown[] {
  const frames: unknown[] = [];
  for (const one of posted) {
    frames.push(unpacked(one));
    if (typeof one !== 'object' || one === null) break; // P1
  }
  return frames;
}
