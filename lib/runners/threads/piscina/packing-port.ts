/**
 * The gateway's end of a thread's port, where frames are packed (port/packing.ts).
 *
 * P1. What a message holds behind what can be no frame is not looked at: a tool that reaches the port could post a list that
 *     is said to be four thousand million long.
 * P2. `hear` lets the event loop have its turn again and again: who calls as soon as it has an answer would otherwise keep
 *     everybody else waiting, since each answer heard may be the reason for more calls.
 * P3. What cannot be read, a tool has made: it is heard as what is no frame, whichever way it comes.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { HostFrame } from '../port/frames.ts';
import { packed, unpacked } from '../port/packing.ts';
import type { ThreadPort } from '../thread-source.ts';

/** Messages that `hear` takes in between two that the event loop brings: some 10 ms, where each holds a few answers. */
const MOST_HEARD = 256;

export class PackingPort implements ThreadPort {
  readonly #port: MessagePort;
  readonly #taken: Int32Array<SharedArrayBuffer>;
  #listener: (frames: unknown) => void = () => {};
  /** Since the event loop brought one. */
  #heard = 0;

  /** @param taken where messages that were taken in are counted, for the thread to see. */
  constructor(port: MessagePort, taken: Int32Array<SharedArrayBuffer>) {
    this.#port = port;
    this.#taken = taken;
  }

  on(_event: 'message', listener: (frames: unknown) => void): void {
    this.#listener = listener;
    const bring = (posted: unknown) => {
      this.#heard = 0;
      this.#takeIn(posted);
    };
    this.#port.on('message', bring);
    this.#port.on('messageerror', bring); // P3
  }

  hear(): void {
    while (this.#heard < MOST_HEARD) {
      const received = nextOn(this.#port);
      if (received === undefined) return;
      this.#heard++;
      this.#takeIn(received.message);
    }
  }

  #takeIn(posted: unknown): void {
    Atomics.add(this.#taken, 0, 1);
    this.#listener(Array.isArray(posted) ? framesIn(posted) : posted);
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

function nextOn(port: MessagePort): { readonly message: unknown } | undefined {
  try {
    return receiveMessageOnPort(port);
  } catch (error) {
    return { message: error }; // P3
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
