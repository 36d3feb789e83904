/**
 * A thread's way out: frames of all its calls, posted in order and in batches on the thread's one port.
 *
 * O1. `post` leaves at the end of the current turn of the event loop, so that everything one turn makes, of all
 *     calls, is one message; `flush` posts at once, for what must be seen before a tool may block the thread.
 */
import { setImmediate } from 'node:timers';
import type { MessagePort } from 'node:worker_threads';
import type { ThreadFrame } from '../lib/protocol/frames.ts';

export class Outbox {
  readonly #port: MessagePort;
  #frames: ThreadFrame[] = [];
  #isScheduled = false;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  post(frame: ThreadFrame): void {
    this.#frames.push(frame);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#onTurnEnd);
  }

  readonly #onTurnEnd = (): void => {
    this.#isScheduled = false;
    this.flush();
  };

  flush(): void {
    if (this.#frames.length === 0) return;
    const frames = this.#frames;
    this.#frames = [];
    this.#port.postMessage(frames);
  }
}
